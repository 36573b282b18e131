package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/load"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/tally"
)

const (
	// pollers is how many polls may be in flight where their rate is given.
	pollers = 256
	// settled is when reads come evenly: all jobs have been read once by then.
	settled = 1500 * time.Millisecond
)

// reads counts how often storage is read when some jobs that are pending are
// polled very often.
func (b *bench) reads(ctx context.Context) error {
	s, err := b.startSystem(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	urls, err := b.jobsToPoll(ctx, s)
	if err != nil {
		return err
	}
	proxy, err := tally.Start(s.Storage().TableEndpoint)
	if err != nil {
		return err
	}
	defer proxy.Close()
	account := s.Storage()
	account.TableEndpoint = proxy.URL()
	status, err := s.StartStatus(ctx, "STORAGE_CONNECTION_STRING="+account.ConnectionString())
	if err != nil {
		return err
	}
	return b.countReads(ctx, proxy, status, urls.pending)
}

// window gives how long reads are counted at a time: whole seconds, for the
// reads of all jobs come about once a second, and close together.
func (b *bench) window() time.Duration {
	return max(2*time.Second, b.round.Truncate(time.Second))
}

// countReads makes one load and counts in windows.
func (b *bench) countReads(ctx context.Context, proxy *tally.Proxy, status *system.Service, urls []string) error {
	flags, err := b.pollFlags("reads", urls, status.URL)
	if err != nil {
		return err
	}
	length := settled + time.Duration(b.rounds)*b.window()
	flags = append(flags, "--connections", strconv.Itoa(pollers), "--rate", strconv.Itoa(b.rate), "--duration", (length + settled).String())
	profiled := b.profile(ctx, "reads", length, status)
	group, ctx := errgroup.WithContext(ctx)
	var r load.Report
	group.Go(func() (err error) {
		r, err = b.load.Run(ctx, flags...)
		return err
	})
	var rounds []round
	group.Go(func() (err error) {
		rounds, err = b.windows(ctx, proxy, float64(len(urls)))
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	b.report.add(&figure{
		Name: "reads", Title: "storage reads under polls of 100 pending jobs", Unit: "1/s", Goal: 1, AtMost: true, Rounds: rounds,
		Limit: "one read a job and second, counted between the status service and storage",
		Note:  fmt.Sprintf("%.0f polls/s were made, of %d asked for", r.PerSecond(), b.rate),
	})
	return profiled()
}

// windows gives the reads a second, window by window, beside what they should
// be at most.
func (b *bench) windows(ctx context.Context, proxy *tally.Proxy, most float64) ([]round, error) {
	if err := pause(ctx, settled); err != nil {
		return nil, err
	}
	var rounds []round
	for range b.rounds {
		before, start := proxy.Reads(), time.Now()
		if err := pause(ctx, b.window()); err != nil {
			return nil, err
		}
		n, took := proxy.Reads()-before, time.Since(start)
		rounds = append(rounds, round{Ours: float64(n) / took.Seconds(), Limit: most})
	}
	return rounds, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
