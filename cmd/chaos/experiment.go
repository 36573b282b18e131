package main

import (
	"context"
	"fmt"
	"io"
	"strings"
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
	fresh := s.vitals(ctx, birth)
	journal := witness.NewJournal()
	injector, err := faults.New(s.targets(), o.only, o.seed)
	if err != nil {
		return nil, err
	}
	if err := s.openForeign(journal); err != nil {
		return nil, err
	}
	recoveries, err := s.endure(ctx, journal, injector)
	if err != nil {
		return nil, err
	}
	verdict, err := check.Check(ctx, journal, s.stored, &check.Options{MayGiveUp: s.deliveries > 0})
	if err != nil {
		return nil, err
	}
	guests, err := s.judgeForeign(ctx)
	if err != nil {
		return nil, err
	}
	verdict.Add(guests)
	s.say("all was judged")
	verdict.Wrong = append(verdict.Wrong, s.stuck(ctx)...)
	verdict.Wrong = append(verdict.Wrong, s.failed()...)
	var rested map[string]vitals
	if verdict.Clean() {
		rested = s.rested(ctx, fresh)
		verdict.Wrong = append(verdict.Wrong, s.findGrown(fresh, rested)...)
	}
	return &report{
		seed: o.seed, took: time.Since(began), verdict: verdict, refused: journal.Refused(),
		system: s, faults: injector.Counts(), storage: s.storageFaults(), fresh: fresh, rested: rested,
		guests: guests, recoveries: recoveries,
	}, nil
}

// endure keeps the processes up for as long as they are needed: while there
// are load and faults, while faults happen one at a time, and while every job is
// asked about once more.
func (s *system) endure(ctx context.Context, journal *witness.Journal, injector *faults.Injector) ([]recovery, error) {
	callers := load.New(load.Options{Acceptor: "http://" + s.front.Addr(), Seed: s.seed, Jobs: s.jobs, Over: s.load, Journal: journal})
	defer callers.Close()
	var keeping sync.WaitGroup
	defer keeping.Wait()
	keep, stopKeeping := context.WithCancel(ctx)
	defer stopKeeping()
	keepUp := func(processes []*fleet.Process, points []string) {
		for _, p := range processes {
			keeping.Go(func() { s.keep(keep, p, injector, points) })
		}
	}
	keepUp(s.workers, faults.WorkerPoints)
	keepUp(s.acceptors, faults.AcceptorPoints)
	keepUp(s.statuses, nil)
	s.harm(ctx, callers, injector)
	recoveries := s.recoveries(ctx, callers, injector)
	return recoveries, s.audit(ctx, callers)
}

// harm has load and faults for the time there is, then no more faults, and
// returns when every caller has seen its job end or has given up.
func (s *system) harm(ctx context.Context, callers *load.Load, injector *faults.Injector) {
	waiting, giveUp := context.WithTimeout(ctx, s.load+s.settle)
	defer giveUp()
	var loading sync.WaitGroup
	loading.Go(func() { callers.Run(waiting) })
	harming, calm := context.WithTimeout(ctx, s.load)
	defer calm()
	loading.Go(func() { s.foreign.Run(harming) })
	injector.Run(harming)
	s.calm()
	s.say("the faults have ended")
	s.recovered, _ = callers.Probe(waiting)
	loading.Wait()
	s.say("the callers have gone home")
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
		s.say(p.Name + " starts again " + strings.Join(more, ""))
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
		p.Kill() // and it is kept up
	}
	ready, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("gave up after %s", readyTimeout))
	defer cancel()
	for _, p := range s.all() {
		for p.AwaitReady(ready) != nil {
			if ready.Err() != nil {
				return fmt.Errorf("%s is not ready after all faults have ended: %w", p.Name, context.Cause(ready))
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	s.say("the audit begins")
	asking, giveUp := context.WithTimeout(ctx, s.settle/2)
	defer giveUp()
	callers.Audit(asking)
	askingToo, giveUpToo := context.WithTimeout(ctx, s.settle/2)
	defer giveUpToo()
	s.auditForeign(askingToo)
	return ctx.Err()
}

// stuck finds out whether messages stay in the queue when every job is over,
// to be delivered again and again.
func (s *system) stuck(ctx context.Context) []check.Finding {
	ctx, giveUp := context.WithTimeout(ctx, s.settle)
	defer giveUp()
	for {
		counts, err := s.azure.Broker().QueueCounts(queueName)
		if err == nil && counts.Active+counts.Scheduled == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			what := fmt.Sprintf("at rest it holds %d active and %d scheduled messages, %v", counts.Active, counts.Scheduled, err)
			return []check.Finding{{ID: queueName, Kind: "queue", What: what}}
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// failed finds processes that ended by themselves.
func (s *system) failed() (findings []check.Finding) {
	for _, p := range s.all() {
		if statuses := p.Failures(); len(statuses) > 0 {
			what := fmt.Sprintf("it ended by itself with the exit statuses %v", statuses)
			findings = append(findings, check.Finding{ID: p.Name, Kind: "process", What: what})
		}
	}
	return findings
}

// say puts a line of the run's own between those of the services.
func (s *system) say(what string) {
	fmt.Fprintf(s.log, "%s chaos      | %s\n", time.Now().Format("15:04:05.000"), what)
}
