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

// limitRound measures a server that ours is held against.
func (b *bench) limitRound(ctx context.Context, to *series, flags []string) error {
	r, err := b.underLoad(ctx, flags, func() {})
	if err == nil {
		to.add(r)
	}
	return err
}

// ourRound measures a service of ours, and what its work costs the processes
// that do it.
func (b *bench) ourRound(ctx context.Context, figure string, service *system.Service, to *series, flags []string, works ...work) error {
	before := make([]cpu.Time, len(works))
	profiled := func() error { return nil }
	r, err := b.underLoad(ctx, flags, func() {
		profiled = b.profile(ctx, figure, b.round, service)
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
