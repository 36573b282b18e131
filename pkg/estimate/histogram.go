package estimate

import (
	"math"
	"time"
)

// The buckets of a [histogram]: the first holds what is up to a millisecond,
// then eight double it, the last holds everything beyond about four months.
const (
	perDoubling = 8
	buckets     = 34*perDoubling + 1
)

// bucket is how much was seen between its bounds. Knowing its mean makes it
// exact where all that was seen is the same, and knowing the longest tells those
// who have outlasted the mean until when to hope.
type bucket struct {
	weight  float64
	sum     float64 // of weight times milliseconds
	longest float64 // in milliseconds
}

// histogram counts durations by their order of magnitude.
type histogram [buckets]bucket

// add counts d with a weight.
func (h *histogram) add(d time.Duration, weight float64) {
	ms := float64(d) / float64(time.Millisecond)
	h.addBucket(bucket{weight: weight, sum: weight * ms, longest: ms})
}

// addBucket adds what was counted elsewhere, under its mean.
func (h *histogram) addBucket(other bucket) {
	b := &h[indexOf(other.sum/other.weight)]
	b.weight += other.weight
	b.sum += other.sum
	b.longest = max(b.longest, other.longest)
}

func indexOf(ms float64) int {
	if !(ms > 1) {
		return 0
	}
	return min(int(math.Ceil(math.Log2(ms)*perDoubling)), buckets-1)
}

// scale multiplies all weights.
func (h *histogram) scale(factor float64) {
	for i := range h {
		h[i].weight *= factor
		h[i].sum *= factor
	}
}

// merge adds all that another has counted.
func (h *histogram) merge(other *histogram) {
	for _, b := range other {
		if b.weight > 0 {
			h.addBucket(b)
		}
	}
}

// weight gives how much was counted.
func (h *histogram) weight() (sum float64) {
	for i := range h {
		sum += h[i].weight
	}
	return sum
}
