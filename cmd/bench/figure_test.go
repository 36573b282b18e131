package main

import (
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
)

// TestFigure states that the ratio is the median of the rounds' ratios, and
// when a goal is met.
func TestFigure(t *testing.T) {
	rounds := []round{{Ours: 10, Limit: 20}, {Ours: 90, Limit: 100}, {Ours: 6, Limit: 10}}
	for _, test := range []struct {
		figure figure
		ratio  float64
		met    bool
	}{
		{figure{Rounds: rounds, Goal: 0.6}, 0.6, true},
		{figure{Rounds: rounds, Goal: 0.61}, 0.6, false},
		{figure{Rounds: rounds, Goal: 0.6, AtMost: true}, 0.6, true},
		{figure{Rounds: rounds, Goal: 0.59, AtMost: true}, 0.6, false},
		{figure{Rounds: rounds[:2], Goal: 0.7}, 0.7, true},
		{figure{Rounds: rounds, Goal: 0.5, Bound: true}, 0.6, true},
	} {
		if got := test.figure.ratio(); got != test.ratio || test.figure.met() != test.met {
			t.Errorf("%+v: ratio %v, met %v", test.figure, got, test.figure.met())
		}
	}
}

// TestImpossible states that no goal is reached by being better than what
// bounds a figure, and that such rounds are counted.
func TestImpossible(t *testing.T) {
	for _, test := range []struct {
		figure    figure
		disturbed int
		verdict   string
	}{
		{figure{Bound: true, Goal: 0.8, Rounds: []round{{1.5, 1}, {1.4, 1}, {0.9, 1}}}, 2, "disturbed"},
		{figure{Bound: true, Goal: 0.8, Rounds: []round{{1.5, 1}, {0.9, 1}, {0.9, 1}}}, 1, "disturbed"},
		{figure{Bound: true, Goal: 0.8, Rounds: []round{{1.5, 1}, {0.7, 1}, {0.7, 1}}}, 1, "no"},
		{figure{Bound: true, Goal: 0.8, Rounds: []round{{1.04, 1}}}, 0, "yes"},
		{figure{Bound: true, Goal: 2, AtMost: true, Rounds: []round{{0.5, 1}}}, 1, "disturbed"},
		{figure{Bound: true, Goal: 2, AtMost: true, Rounds: []round{{1.5, 1}}}, 0, "yes"},
		{figure{Goal: 1, AtMost: true, Rounds: []round{{0.5, 1}}}, 0, "yes"},
	} {
		if f := &test.figure; f.disturbed() != test.disturbed || f.verdict() != test.verdict {
			t.Errorf("%+v: %d rounds disturbed, %s", f, f.disturbed(), f.verdict())
		}
	}
}

// TestSpread states that the rounds' least and greatest ratio are told.
func TestSpread(t *testing.T) {
	f := figure{Rounds: []round{{Ours: 1, Limit: 2}, {Ours: 1, Limit: 4}, {Ours: 3, Limit: 4}}}
	if least, greatest := f.spread(); least != 0.25 || greatest != 0.75 {
		t.Errorf("from %v to %v", least, greatest)
	}
}

// TestCost states that time is told per piece of work over all rounds, and not
// at all once it was not known.
func TestCost(t *testing.T) {
	var c cost
	c.add(100, cpu.Time{Used: 3 * time.Millisecond, Known: true})
	c.add(100, cpu.Time{Used: time.Millisecond, Known: true})
	if each, known := c.microseconds(); each != 20 || !known {
		t.Errorf("%v µs, known %v", each, known)
	}
	c.add(100, cpu.Time{})
	if _, known := c.microseconds(); known {
		t.Error("a time that is not known in part is known")
	}
}

// TestUnknownTime states that a system that does not tell processor time is
// said not to.
func TestUnknownTime(t *testing.T) {
	var text strings.Builder
	(&report{costs: []*cost{{Of: "job", Process: "worker", Pieces: 1}}}).cpu(&text)
	if !strings.Contains(text.String(), "not known of the worker per job") {
		t.Errorf("it says %q", &text)
	}
}

// TestInterleave states that the side that was first in one round is last in
// the next.
func TestInterleave(t *testing.T) {
	var order strings.Builder
	side := func(name string) func() error {
		return func() error {
			order.WriteString(name)
			return nil
		}
	}
	if err := interleave(3, side("a"), side("b")); err != nil || order.String() != "abbaab" {
		t.Errorf("%s, %v", &order, err)
	}
}
