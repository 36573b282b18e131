package main

import (
	"context"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// idle measures how soon a single request has a result: jobs one after another,
// and between them the calls that a job cannot do without.
func (b *bench) idle(ctx context.Context) error {
	s, err := b.startSystem(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	services, err := b.startAll(ctx, s)
	if err != nil {
		return err
	}
	c := b.newCaller(services[0].URL)
	defer c.close()
	raw, err := b.openRaw(ctx, s, c)
	if err != nil {
		return err
	}
	defer raw.close()
	profiled := b.profile(ctx, "idle", time.Duration(b.idleJobs)*idleEstimate, services...)
	f := figure{
		Name: "idle", Title: "idle: POST to result seen, p50", Unit: "ms", Goal: 2, AtMost: true, Bound: true,
		Limit: "the calls that must follow one another: send, receive, row lookup, blob put, row insert, row read; sum of their medians",
	}
	for range b.rounds {
		r, err := b.idleRound(ctx, c, raw, b.idleJobs/b.rounds)
		if err != nil {
			return err
		}
		f.Rounds = append(f.Rounds, r)
	}
	b.report.add(&f)
	return profiled()
}

// idleEstimate is about what a job and the raw calls take, for profiles.
const idleEstimate = 20 * time.Millisecond

// startAll starts acceptor, status service and worker.
func (b *bench) startAll(ctx context.Context, s *system.System) ([]*system.Service, error) {
	acceptor, err := s.StartAcceptor(ctx)
	if err != nil {
		return nil, err
	}
	status, err := s.StartStatus(ctx)
	if err != nil {
		return nil, err
	}
	worker, err := s.StartWorker(ctx)
	return []*system.Service{acceptor, status, worker}, err
}

// idleRound gives medians of n jobs, in milliseconds.
func (b *bench) idleRound(ctx context.Context, c *caller, raw *rawCalls, n int) (round, error) {
	var ours []float64
	var limits [rawSteps][]float64
	for range n {
		start := time.Now()
		url, err := c.post(ctx)
		if err != nil {
			return round{}, err
		}
		if err := c.seen(ctx, url); err != nil {
			return round{}, err
		}
		ours = append(ours, milliseconds(time.Since(start)))
		took, err := raw.run(ctx, b.payload.text)
		if err != nil {
			return round{}, err
		}
		for i, d := range took {
			limits[i] = append(limits[i], milliseconds(d))
		}
	}
	r := round{Ours: median(ours)}
	for _, step := range limits {
		r.Limit += median(step)
	}
	return r, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
