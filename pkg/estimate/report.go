package estimate

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"
)

const (
	// halfLife is how soon what was seen of an operation loses half its weight.
	halfLife = 5 * time.Minute
	// expiry is how long a report counts. Then it is deleted.
	expiry = time.Hour
	// maxReport is the longest report in bytes, which fits a string property of
	// Table storage.
	maxReport = 30_000
)

// Store keeps a report of each worker.
type Store interface {
	// Put writes the report of that name, over the one before.
	Put(ctx context.Context, name string, report []byte, at time.Time) error
	// Since gives the reports that were written at that time or later.
	Since(ctx context.Context, at time.Time) ([][]byte, error)
	// DropBefore deletes those that were written earlier, and says how many.
	DropBefore(ctx context.Context, at time.Time) (int, error)
}

// report is what one worker saw, with the weights of the moment At.
type report struct {
	At         time.Time          `json:"at"`
	Waited     float64            `json:"waited"`            // ms that the latest requests waited
	WaitedAt   time.Time          `json:"waitedAt,omitzero"` // when the latest of them came
	Operations map[string][]point `json:"operations"`
}

// point is a bucket: its mean in milliseconds, its weight, and the longest.
type point [3]float64

// points gives the buckets that hold something.
func points(h *histogram) []point {
	var list []point
	for _, b := range h {
		if b.weight > 0 {
			list = append(list, point{rounded(b.sum / b.weight), rounded(b.weight), rounded(b.longest)})
		}
	}
	return list
}

// rounded keeps five digits.
func rounded(f float64) float64 {
	if f == 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(f)))-4)
	return math.Round(f/unit) * unit
}

// encode gives the report in JSON. Of too many operations the ones that were
// seen least are left out.
func (r *report) encode() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil || len(text) <= maxReport {
		return text, err
	}
	names := slices.SortedFunc(maps.Keys(r.Operations), func(a, b string) int {
		return cmp.Compare(weightOf(r.Operations[b]), weightOf(r.Operations[a]))
	})
	kept := *r
	kept.Operations = map[string][]point{}
	for _, name := range names[:len(names)/2] {
		kept.Operations[name] = r.Operations[name]
	}
	return kept.encode()
}

func weightOf(points []point) (sum float64) {
	for _, p := range points {
		sum += p[1]
	}
	return sum
}

// decodeReport reads what encode wrote. A point that makes no sense is left out
// when it is added up.
func decodeReport(text []byte) (r report, err error) {
	err = json.Unmarshal(text, &r)
	return r, err
}

// addPoints adds points to h, with weights multiplied by factor.
func (h *histogram) addPoints(points []point, factor float64) {
	for _, p := range points {
		mean, weight, longest := p[0], p[1]*factor, p[2]
		if weight > 0 && mean >= 0 && mean < maxMilliseconds && longest >= 0 && longest < maxMilliseconds {
			h.addBucket(bucket{weight: weight, sum: weight * mean, longest: longest})
		}
	}
}

// maxMilliseconds is about a year, far below what a Duration holds.
const maxMilliseconds = 1 << 35
