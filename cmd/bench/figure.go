package main

import (
	"slices"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
)

// figure is one number of ours beside its limit.
type figure struct {
	Name   string  `json:"name"` // in the last line
	Title  string  `json:"title"`
	Unit   string  `json:"unit"`
	Limit  string  `json:"limit"` // what ours is held against
	Goal   float64 `json:"goal"`  // of the ratio
	AtMost bool    `json:"atMost"`
	Bound  bool    `json:"bound"` // whether nothing of ours can be better than the limit
	Note   string  `json:"note,omitempty"`
	Rounds []round `json:"rounds"`
}

// round is what was measured side by side.
type round struct {
	Ours  float64 `json:"ours"`
	Limit float64 `json:"limit"`
}

// ratio is the median of the rounds' ratios.
func (f *figure) ratio() float64 {
	return f.median(func(r round) float64 { return r.Ours / r.Limit })
}

// spread gives the least and the greatest ratio of a round.
func (f *figure) spread() (least, greatest float64) {
	for i, r := range f.Rounds {
		ratio := r.Ours / r.Limit
		if i == 0 {
			least, greatest = ratio, ratio
		}
		least, greatest = min(least, ratio), max(greatest, ratio)
	}
	return least, greatest
}

func (f *figure) ours() float64  { return f.median(func(r round) float64 { return r.Ours }) }
func (f *figure) limit() float64 { return f.median(func(r round) float64 { return r.Limit }) }

func (f *figure) median(of func(round) float64) float64 {
	var values []float64
	for _, r := range f.Rounds {
		values = append(values, of(r))
	}
	return median(values)
}

// tolerance is how much better than a bound a measurement may come out.
const tolerance = 0.05

// impossible reports whether a ratio is better than what bounds it: then
// something else kept the limit from running as it can.
func (f *figure) impossible(ratio float64) bool {
	if f.AtMost {
		return f.Bound && ratio < 1-tolerance
	}
	return f.Bound && ratio > 1+tolerance
}

// disturbed gives the number of rounds whose ratio is impossible.
func (f *figure) disturbed() int {
	n := 0
	for _, r := range f.Rounds {
		if f.impossible(r.Ours / r.Limit) {
			n++
		}
	}
	return n
}

// reached reports whether the ratio is as good as the goal.
func (f *figure) reached() bool {
	if f.AtMost {
		return f.ratio() <= f.Goal
	}
	return f.ratio() >= f.Goal
}

// met reports whether the goal is reached by rounds that can all be believed.
func (f *figure) met() bool { return f.reached() && f.disturbed() == 0 }

// median gives the middle value, or the mean of the two middle ones. It gives
// 0 of no value.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// cost is processor time that a process used for some pieces of work.
type cost struct {
	Of      string  `json:"of"` // such as accepted request
	Process string  `json:"process"`
	Pieces  float64 `json:"pieces"`
	time    cpu.Time
}

// add counts more work.
func (c *cost) add(pieces int, used cpu.Time) {
	if c.Pieces == 0 {
		c.time = used
	} else {
		c.time = c.time.Plus(used)
	}
	c.Pieces += float64(pieces)
}

// microseconds gives the time of one piece, and whether it is known.
func (c *cost) microseconds() (float64, bool) {
	return float64(c.time.Used.Microseconds()) / c.Pieces, c.time.Known && c.Pieces > 0
}
