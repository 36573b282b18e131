package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/resident"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

const (
	manyConnections = 512 // of callers, for the acceptor's memory
	// firstPart is the part of the jobs in the queue after which memory is
	// held to be that of a process at work.
	firstPart = 10
)

// memory measures what the services take of memory where it could get much:
// with many callers and a long queue, and with a large payload.
func (b *bench) memory(ctx context.Context) error {
	if err := b.withOwnOperations(ctx, func(s *system.System) error { return b.memoryOfMany(ctx, s) }); err != nil {
		return err
	}
	return b.withOwnOperations(ctx, func(s *system.System) error { return b.memoryOfLarge(ctx, s) })
}

// withOwnOperations runs what needs them on storage and a broker of its own.
func (b *bench) withOwnOperations(ctx context.Context, do func(*system.System) error) error {
	operations, err := b.writeOwnOperations()
	if err != nil {
		return err
	}
	s, err := b.startSystemWith(ctx, operations)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

// memoryOfLarge has one large payload taken in, and given out again as it is.
func (b *bench) memoryOfLarge(ctx context.Context, s *system.System) error {
	services, err := b.startAll(ctx, s)
	if err != nil {
		return err
	}
	acceptor, worker := services[0], services[2]
	start := time.Now()
	if err := b.moveLarge(ctx, acceptor.URL); err != nil {
		return err
	}
	b.say("memory: a payload of %d MB went in and out in %s", b.largeMB, time.Since(start).Round(100*time.Millisecond))
	b.report.addMemory(
		usage{What: fmt.Sprintf("worker that moves a payload and a result of %d MB", b.largeMB), Unit: "MB", Goal: 128}.peak(worker),
		usage{What: "acceptor that takes this payload in", Unit: "MB"}.peak(acceptor),
	)
	return nil
}

// memoryOfMany has many callers put jobs into the queue while the worker is
// busy with others. A part of them warms the services up; what they take more
// after all of them is what the queue's length costs.
func (b *bench) memoryOfMany(ctx context.Context, s *system.System) error {
	services, err := b.startAll(ctx, s)
	if err != nil {
		return err
	}
	acceptor, first := services[0], max(1, b.queuedJobs/firstPart)
	if err := b.fill(ctx, acceptor.URL, holdOperation, busyJobs); err != nil {
		return err
	}
	if err := b.fill(ctx, acceptor.URL, "customer", first); err != nil {
		return err
	}
	before, broker := peaks(services), s.BrokerMemory()
	if err := b.fill(ctx, acceptor.URL, "customer", b.queuedJobs-first); err != nil {
		return err
	}
	queued, err := s.Queued(ctx)
	if err != nil {
		return err
	}
	if queued < b.queuedJobs {
		return fmt.Errorf("%d jobs are queued, not %d", queued, b.queuedJobs)
	}
	b.report.addMemory(usage{What: fmt.Sprintf("acceptor under %d connections", manyConnections), Unit: "MB", Goal: 64}.peak(acceptor))
	b.reportGrowth(services, before, s.BrokerMemory().Since(broker), first)
	return nil
}

// reportGrowth tells what the processes took more from the first jobs in the
// queue to all of them.
func (b *bench) reportGrowth(services []*system.Service, before []resident.Size, broker resident.Size, first int) {
	for i, service := range services {
		grown := peak(service).Since(before[i])
		b.report.addMemory(usage{
			What: fmt.Sprintf("%s, from %d jobs in the queue to %d: more", service.Name, first, b.queuedJobs), Unit: "MB", Goal: 8,
			Value: grown.Megabytes(), Known: grown.Known,
		})
	}
	b.report.addMemory(usage{
		What: "broker, for each message of 1 KB that waits", Unit: "bytes",
		Value: float64(broker.Bytes) / float64(b.queuedJobs-first), Known: broker.Known,
	})
}

// busyJobs keep a worker busy, twice as many as it does at a time.
const busyJobs = 32

// fill has n requests accepted, from many callers.
func (b *bench) fill(ctx context.Context, acceptor, operation string, n int) error {
	_, err := b.load.Run(ctx, "--mode", "submit", "--url", acceptor, "--payload", b.payload.file, "--operation", operation,
		"--connections", strconv.Itoa(min(n, manyConnections)), "--count", strconv.Itoa(n), "--duration", "10m")
	return err
}

func peak(service *system.Service) resident.Size { return resident.Peak(service.PID()) }

func peaks(services []*system.Service) []resident.Size {
	var all []resident.Size
	for _, service := range services {
		all = append(all, peak(service))
	}
	return all
}
