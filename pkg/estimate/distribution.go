package estimate

import (
	"sort"
	"time"
)

// distribution is a histogram made ready to be asked. It does not change.
type distribution []step

// step stands for durations of about the same length.
type step struct {
	at      time.Duration // their mean
	longest time.Duration
	from    float64 // what part of all durations is as long or longer
}

// leastWeight is the part of everything below which a bucket counts for
// nothing.
const leastWeight = 1e-4

func newDistribution(h *histogram) distribution {
	total := h.weight()
	if !(total > 0) {
		return nil
	}
	var d distribution
	for i := range h {
		if b := h[i]; b.weight > leastWeight*total {
			d = append(d, step{at: milliseconds(b.sum / b.weight), longest: milliseconds(b.longest), from: b.weight})
		}
	}
	for i, from := len(d)-1, 0.0; i >= 0; i-- {
		from += d[i].from
		d[i].from = from
	}
	for i, whole := 0, d[0].from; i < len(d); i++ {
		d[i].from /= whole
	}
	return d
}

// next gives the duration by which a job that has lasted for elapsed is worth
// asking about again: the part eagerness(s) of those that last longer, which are
// the part s of all, have ended by then. It gives 0 if none was seen to last longer.
func (d distribution) next(elapsed time.Duration) time.Duration {
	first := sort.Search(len(d), func(i int) bool { return d[i].longest > elapsed })
	if first == len(d) {
		return 0
	}
	rest := d[first].from
	target := rest * (1 - eagerness(rest))
	i := first
	for i < len(d)-1 && d[i+1].from > target {
		i++
	}
	if d[i].at <= elapsed {
		return d[i].longest
	}
	return d[i].at
}

// Bounds of the part of the pending jobs that have ended by their next poll.
const (
	leastEagerness = 0.3
	mostEagerness  = 0.6
)

// eagerness gives the part of the jobs that still last which the next poll is
// to find ended, when they are the part rest of all.
func eagerness(rest float64) float64 {
	return min(max(1-rest, leastEagerness), mostEagerness)
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
