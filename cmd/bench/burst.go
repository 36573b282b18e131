package main

import (
	"context"
	"fmt"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/stock"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// burst measures how fast one worker does jobs that have piled up, against the
// fastest way to write what they leave in storage. Azurite is started anew for
// each side of a round, for it gets slower with every blob.
func (b *bench) burst(ctx context.Context) error {
	sample, loop, err := b.fastest(ctx)
	if err != nil {
		return err
	}
	var ours, limits []float64
	worked := burstCosts{
		worker:  cost{Of: "job", Process: "worker"},
		storage: cost{Of: "job that the worker does", Process: "storage"},
		limit:   cost{Of: "job whose results and rows are only written", Process: "storage"},
	}
	err = interleave(b.rounds, func() error {
		rate, err := b.burstRound(ctx, &worked)
		ours = append(ours, rate)
		return err
	}, func() error {
		rate, err := b.loopRound(ctx, sample, loop, &worked.limit)
		limits = append(limits, rate)
		return err
	})
	b.report.add(&figure{
		Name: "burst", Title: fmt.Sprintf("burst of %d jobs", b.burstJobs), Unit: "done/s", Goal: 0.8, Bound: true, Rounds: pair(ours, limits),
		Limit: "the same storage writes by the stock SDKs: " + loop.String(),
		Note:  "ours is from the first claim, as the rows have it, to the last message completed",
	}, &worked.worker, &worked.storage, &worked.limit)
	return err
}

// burstCosts are what jobs cost. Storage's are told of both sides: it has one
// thread, so they bound the ratio, and a busy machine changes them little.
type burstCosts struct{ worker, storage, limit cost }

// burstRound gives the jobs that a worker does a second.
func (b *bench) burstRound(ctx context.Context, worked *burstCosts) (float64, error) {
	s, c, err := b.startWarm(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	defer c.close()
	return b.drain(ctx, s, c, worked)
}

// startWarm starts a system that has done some jobs, but has no worker now,
// and makes its caller.
func (b *bench) startWarm(ctx context.Context) (*system.System, *caller, error) {
	s, err := b.startSystem(ctx)
	if err != nil {
		return nil, nil, err
	}
	acceptor, err := s.StartAcceptor(ctx)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	c := b.newCaller(acceptor.URL)
	if _, err := b.fewJobs(ctx, s, c); err != nil {
		c.close()
		s.Close()
		return nil, nil, err
	}
	return s, c, nil
}

// warmUpPart is the part of a burst that warms Azurite up.
const warmUpPart = 10

// fewJobs has some jobs done, which warms Azurite up, and gives the status URL
// of one.
func (b *bench) fewJobs(ctx context.Context, s *system.System, c *caller) (string, error) {
	worker, err := s.StartWorker(ctx)
	if err != nil {
		return "", err
	}
	defer worker.Stop()
	urls, err := c.postAll(ctx, b.burstJobs/warmUpPart+1)
	if err != nil {
		return "", err
	}
	return urls[0], awaitEmpty(ctx, s)
}

// drain has a worker do a burst and gives the jobs done a second, from the
// first claim to the last message completed.
func (b *bench) drain(ctx context.Context, s *system.System, c *caller, worked *burstCosts) (float64, error) {
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
	stored := s.StorageCPU()
	used, done, profiled, err := b.watchDrain(ctx, s, worker)
	if err != nil {
		return 0, err
	}
	worked.worker.add(len(urls), used)
	worked.storage.add(len(urls), s.StorageCPU().Since(stored))
	began, err := checkDone(ctx, s, urls)
	if err != nil {
		return 0, err
	}
	return float64(len(urls)) / done.Sub(began).Seconds(), profiled()
}

// burstEstimate is about what a job of a burst takes, for profiles.
const burstEstimate = time.Millisecond

// watchDrain lets a worker go and gives the processor time that it used until
// the queue was empty, and when that was.
func (b *bench) watchDrain(ctx context.Context, s *system.System, worker *system.Service) (cpu.Time, time.Time, func() error, error) {
	before := worker.CPU()
	if err := worker.Release(); err != nil {
		return cpu.Time{}, time.Time{}, nil, err
	}
	profiled := b.profile(ctx, "burst", burstEstimate*time.Duration(b.burstJobs), worker)
	err := awaitEmpty(ctx, s)
	return worker.CPU().Since(before), time.Now(), profiled, err
}

const (
	drainTimeout = 2 * time.Minute
	lookEvery    = 10 * time.Millisecond
)

// awaitEmpty returns when all messages have been completed.
func awaitEmpty(ctx context.Context, s *system.System) error {
	ctx, cancel := context.WithTimeoutCause(ctx, drainTimeout, fmt.Errorf("the queue was not empty after %s", drainTimeout))
	defer cancel()
	for {
		n, err := s.Queued(ctx)
		if err != nil || n == 0 {
			return err
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// checkDone makes sure that all jobs succeeded, and gives when the first of
// them was claimed.
func checkDone(ctx context.Context, s *system.System, urls []string) (first time.Time, err error) {
	jobs, err := stock.Jobs(ctx, s.Storage().ConnectionString())
	if err != nil {
		return first, err
	}
	for _, url := range urls {
		id, err := idOf(url)
		if err != nil {
			return first, err
		}
		j := jobs[id.String()]
		if j.Status != string(job.StatusSucceeded) {
			return first, fmt.Errorf("job %s is %q when the queue is empty", id, j.Status)
		}
		if first.IsZero() || j.StartedAt.Before(first) {
			first = j.StartedAt
		}
	}
	return first, nil
}
