package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/check"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/faults"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/fleet"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/load"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// experiment runs the system under load and faults, lets it come to rest, and
// judges what came of it.
func experiment(ctx context.Context, o options, environ []string, log io.Writer) (*report, error) {
	began := time.Now()
	s, err := startSystem(ctx, o, environ, log)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	journal := witness.NewJournal()
	callers := load.New(load.Options{Acceptor: "http://" + s.front.Addr(), Seed: o.seed, Jobs: o.jobs, Over: o.load, Journal: journal})
	defer callers.Close()
	injector := faults.New(s.targets(), o.seed)

	if err := s.harm(ctx, callers, injector); err != nil {
		return nil, err
	}
	if err := s.audit(ctx, callers); err != nil {
		return nil, err
	}
	stored, err := check.OpenStorage(s.azure.StorageConnectionString())
	if err != nil {
		return nil, err
	}
	defer stored.Close()
	verdict, err := check.Check(ctx, journal, stored)
	if err != nil {
		return nil, err
	}
	return &report{seed: o.seed, took: time.Since(began), verdict: verdict, refused: journal.Refused(), system: s, faults: injector.Counts()}, nil
}

// harm has load and faults for the time there is, then no more faults, and
// returns when every caller has seen its job end or has given up.
func (s *system) harm(ctx context.Context, callers *load.Load, injector *faults.Injector) error {
	waiting, giveUp := context.WithTimeout(ctx, s.load+s.settle)
	defer giveUp()
	var loading, keeping sync.WaitGroup
	keep, stopKeeping := context.WithCancel(ctx)
	defer keeping.Wait()
	defer stopKeeping()
	for _, p := range s.workers {
		keeping.Go(func() { s.keep(keep, p, injector, faults.WorkerPoints) })
	}
	for _, p := range s.acceptors {
		keeping.Go(func() { s.keep(keep, p, injector, faults.AcceptorPoints) })
	}
	for _, p := range s.statuses {
		keeping.Go(func() { s.keep(keep, p, injector, nil) })
	}
	loading.Go(func() { callers.Run(waiting) })
	harming, calm := context.WithTimeout(ctx, s.load)
	defer calm()
	injector.Run(harming)
	s.calm()
	loading.Wait()
	return ctx.Err()
}

// keep starts a process again whenever it has ended, until ctx is done. Some
// lives have a failpoint before them.
func (s *system) keep(ctx context.Context, p *fleet.Process, injector *faults.Injector, points []string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Ended():
		}
		var more []string
		if len(points) > 0 {
			more = []string{"FAILPOINTS=" + injector.Armament(points)}
		}
		if err := p.Start(more...); err != nil {
			fmt.Fprintf(s.log, "%s does not start: %v\n", p.Name, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// calm ends every fault that may still be waiting for its moment.
func (s *system) calm() {
	for _, r := range append(s.lines, s.front, s.back) {
		r.Calm()
	}
	s.blobs.Calm()
	s.tables.Calm()
	broker := s.azure.Broker().Faults()
	broker.DropConnectionsAfter(-1)
	broker.RefuseConnections(false)
	for _, p := range s.all() {
		p.Thaw()
	}
}

// audit has new status services, which remember nothing, asked about every
// job.
func (s *system) audit(ctx context.Context, callers *load.Load) error {
	for _, p := range s.statuses {
		p.Kill()
		if err := p.Start(); err != nil {
			return err
		}
	}
	if err := s.awaitReady(ctx); err != nil {
		return err
	}
	asking, giveUp := context.WithTimeout(ctx, 30*time.Second)
	defer giveUp()
	callers.Audit(asking)
	return nil
}
