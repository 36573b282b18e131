package main

import (
	"context"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/load"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// series is what one side showed, round by round.
type series struct{ rates, p99s []float64 }

func (s *series) add(r load.Report) {
	s.rates = append(s.rates, r.PerSecond())
	s.p99s = append(s.p99s, r.LatencyMs.P99)
}

// pair puts side by side what was measured side by side.
func pair(ours, limit []float64) []round {
	var all []round
	for i := range ours {
		all = append(all, round{Ours: ours[i], Limit: limit[i]})
	}
	return all
}

// interleave runs ours and the limit in turn, beginning with the one that came
// last in the round before, so that neither has the better part of a machine
// that changes.
func interleave(rounds int, ours, limit func() error) error {
	sides := []func() error{ours, limit}
	for range rounds {
		for _, side := range sides {
			if err := side(); err != nil {
				return err
			}
		}
		slices.Reverse(sides)
	}
	return nil
}

// warmUp is how long a server is under load before it is measured.
const warmUp = 300 * time.Millisecond

// measureRound measures one side, and what its work costs the processes that
// do it. It calls begin, unless that is nil, when the side is warm.
func (b *bench) measureRound(ctx context.Context, to *series, flags []string, begin func(), works ...work) error {
	before := make([]cpu.Time, len(works))
	r, err := b.underLoad(ctx, flags, func() {
		if begin != nil {
			begin()
		}
		for i, w := range works {
			before[i] = w.used()
		}
	})
	if err != nil {
		return err
	}
	for i, w := range works {
		w.cost.add(r.Requests, w.used().Since(before[i]))
	}
	to.add(r)
	return nil
}

// ourRound measures a service of ours, under which profiles are taken.
func (b *bench) ourRound(ctx context.Context, figure string, service *system.Service, to *series, flags []string, works ...work) error {
	profiled := func() error { return nil }
	begin := func() { profiled = b.profile(ctx, figure, b.round, service) }
	if err := b.measureRound(ctx, to, flags, begin, works...); err != nil {
		return err
	}
	return profiled()
}

// work is what a process does for a load.
type work struct {
	cost *cost
	used func() cpu.Time
}

// underLoad makes load for a round. It calls begin when what is loaded is warm.
func (b *bench) underLoad(ctx context.Context, flags []string, begin func()) (load.Report, error) {
	if _, err := b.load.Run(ctx, append(flags, "--duration", warmUp.String())...); err != nil {
		return load.Report{}, err
	}
	begin()
	return b.load.Run(ctx, append(flags, "--duration", b.round.String())...)
}
