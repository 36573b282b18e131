package main

import (
	"context"
	"fmt"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/stock"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// burst measures how fast one worker does jobs that have piled up, against the
// fastest way to write what they leave in storage.
func (b *bench) burst(ctx context.Context) error {
	s, err := b.startSystem(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	acceptor, err := s.StartAcceptor(ctx)
	if err != nil {
		return err
	}
	c := b.newCaller(acceptor.URL)
	defer c.close()
	storage, err := b.openBurst(ctx, s, c)
	if err != nil {
		return err
	}
	defer storage.Close()
	loop, err := b.fastest(ctx, storage)
	if err != nil {
		return err
	}
	return b.burstRounds(ctx, s, c, storage, loop)
}

func (b *bench) burstRounds(ctx context.Context, s *system.System, c *caller, storage *stock.Storage, loop stock.Loop) (err error) {
	work := cost{Of: "job", Process: "worker"}
	f := figure{
		Name: "burst", Title: fmt.Sprintf("burst of %d jobs", b.burstJobs), Unit: "done/s", Goal: 0.8,
		Limit: "the same storage writes by the stock SDKs: " + loop.String(),
	}
	f.Rounds, err = interleave(b.rounds, func() (float64, error) {
		return b.drain(ctx, s, c, storage, &work)
	}, func() (float64, error) {
		took, err := loop.Run(ctx, storage, b.burstJobs)
		return float64(b.burstJobs) / took.Seconds(), err
	})
	b.report.add(&f, &work)
	return err
}

// openBurst opens storage for raw calls and warms Azurite up.
func (b *bench) openBurst(ctx context.Context, s *system.System, c *caller) (*stock.Storage, error) {
	worker, err := s.StartWorker(ctx)
	if err != nil {
		return nil, err
	}
	defer worker.Stop()
	if _, err := c.postAll(ctx, b.burstJobs/10); err != nil {
		return nil, err
	}
	return b.openStock(ctx, s, c)
}

// trialPart is the part of a burst that each way of writing is tried with.
const trialPart = 4

// fastest finds the way that writes fastest.
func (b *bench) fastest(ctx context.Context, storage *stock.Storage) (best stock.Loop, err error) {
	n := max(b.burstJobs/trialPart, 1)
	var least time.Duration
	for _, loop := range stock.Loops() {
		took, err := loop.Run(ctx, storage, n)
		if err != nil {
			return best, err
		}
		b.say("burst: %5.0f/s with %s", float64(n)/took.Seconds(), loop)
		if least == 0 || took < least {
			best, least = loop, took
		}
	}
	return best, nil
}

// drain has a worker do a burst and gives the jobs done a second, from the
// first claim to the last completed message.
func (b *bench) drain(ctx context.Context, s *system.System, c *caller, storage *stock.Storage, work *cost) (float64, error) {
	worker, err := s.StartWorker(ctx)
	if err != nil {
		return 0, err
	}
	defer worker.Stop()
	if err := worker.Hold(); err != nil {
		return 0, err
	}
	urls, err := c.postAll(ctx, b.burstJobs)
	if err != nil {
		return 0, err
	}
	profiled := b.profile(ctx, "burst", burstEstimate*time.Duration(b.burstJobs), worker)
	used, done, err := b.watchDrain(ctx, s, worker)
	if err != nil {
		return 0, err
	}
	work.add(len(urls), used)
	began, err := b.checkDone(ctx, storage, urls)
	if err != nil {
		return 0, err
	}
	return float64(len(urls)) / done.Sub(began).Seconds(), profiled()
}

// burstEstimate is about what a job of a burst takes, for profiles.
const burstEstimate = time.Millisecond

// watchDrain lets a worker go and gives the processor time that it used until
// the queue was empty, and when that was.
func (b *bench) watchDrain(ctx context.Context, s *system.System, worker *system.Service) (cpu.Time, time.Time, error) {
	before := worker.CPU()
	if err := worker.Release(); err != nil {
		return cpu.Time{}, time.Time{}, err
	}
	err := awaitEmpty(ctx, s)
	return worker.CPU().Since(before), time.Now(), err
}

const (
	drainTimeout = 2 * time.Minute
	lookEvery    = 10 * time.Millisecond
)

// awaitEmpty returns when all messages have been completed.
func awaitEmpty(ctx context.Context, s *system.System) error {
	ctx, cancel := context.WithTimeoutCause(ctx, drainTimeout, fmt.Errorf("the queue was not empty after %s", drainTimeout))
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		switch n, err := s.Queued(ctx); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case n == 0:
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// checkDone makes sure that all jobs succeeded, and gives when the first of
// them was claimed.
func (b *bench) checkDone(ctx context.Context, storage *stock.Storage, urls []string) (first time.Time, err error) {
	jobs, err := storage.Jobs(ctx)
	if err != nil {
		return first, err
	}
	for _, url := range urls {
		id, err := idOf(url)
		if err != nil {
			return first, err
		}
		j := jobs[id.String()]
		if j.Status != "Succeeded" {
			return first, fmt.Errorf("job %s is %q when the queue is empty", id, j.Status)
		}
		if first.IsZero() || j.StartedAt.Before(first) {
			first = j.StartedAt
		}
	}
	return first, nil
}
