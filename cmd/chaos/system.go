package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/backend"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/check"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/faults"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/fleet"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/foreign"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/relay"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/storagefault"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/localazure"
)

const (
	queueName = "jobs"
	lockTime  = 5 * time.Second // the shortest that Azure allows
	acceptors = 2
	statuses  = 2

	readyTimeout = time.Minute

	manyDeliveries = 500
)

// system is all that runs: storage and broker, what stands before them, and
// the services.
type system struct {
	options
	log     io.Writer
	dir     string
	environ []string
	clocks  func() time.Duration // how far the next process's clock is wrong

	azure         *localazure.Azure
	backend       *backend.Backend
	blobs, tables *storagefault.Proxy
	lines         []*relay.Relay // to the broker
	front, back   *relay.Relay   // to acceptors and to status services

	acceptors, workers, statuses []*fleet.Process

	stored  *check.Storage   // past all faults
	foreign *foreign.Program // past all faults
	guests  *witness.Journal // the other program's own jobs

	recovered time.Duration // from the end of the last fault to the result of a request posted then
}

// startSystem starts everything. On an error nothing is left running.
func startSystem(ctx context.Context, o options, environ []string, log io.Writer) (*system, error) {
	dir, err := os.MkdirTemp("", "asyncreply-chaos-")
	if err != nil {
		return nil, err
	}
	s := &system{options: o, log: log, dir: dir}
	if err := s.start(ctx, environ); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *system) start(ctx context.Context, environ []string) error {
	if err := s.startAzure(ctx); err != nil {
		return err
	}
	if err := s.startProxies(); err != nil {
		return err
	}
	if err := s.makeFleet(environ); err != nil {
		return err
	}
	return s.startFleet(ctx)
}

func (s *system) startAzure(ctx context.Context) (err error) {
	s.azure, err = localazure.Start(ctx, &localazure.Options{
		Azurite: localazure.AzuriteOptions{CacheDir: s.cache},
		Broker: emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{{
			Name: queueName, LockDuration: lockTime, MaxDeliveryCount: cmp.Or(s.deliveries, manyDeliveries), DeadLetteringOnMessageExpiration: true,
			RequiresDuplicateDetection: true, DuplicateDetectionHistoryTimeWindow: 10 * time.Minute,
		}}}},
	})
	if err != nil {
		return err
	}
	account := azure.Storage{ConnectionString: s.azure.StorageConnectionString()}
	clients, err := account.Open(nil)
	if err != nil {
		return err
	}
	defer clients.Close()
	if s.stored, err = check.OpenStorage(s.azure.StorageConnectionString()); err != nil {
		return err
	}
	return blobstore.New(clients.Blobs, nil).EnsureContainers(ctx)
}

func (s *system) startProxies() (err error) {
	if s.backend, err = backend.Start(); err != nil {
		return err
	}
	if s.blobs, err = storagefault.Start(s.azure.BlobEndpoint(), s.seed); err != nil {
		return err
	}
	s.tables, err = storagefault.Start(s.azure.TableEndpoint(), s.seed+1)
	return err
}

func (s *system) all() []*fleet.Process {
	return append(append(append([]*fleet.Process(nil), s.acceptors...), s.statuses...), s.workers...)
}

func (s *system) startFleet(ctx context.Context) error {
	for _, p := range s.all() {
		if err := p.Start(); err != nil {
			return fmt.Errorf("%w (make chaos builds it)", err)
		}
	}
	return s.awaitReady(ctx)
}

func (s *system) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("gave up after %s", readyTimeout))
	defer cancel()
	for _, p := range s.all() {
		if err := p.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// targets are what faults may happen to.
func (s *system) targets() faults.Targets {
	return faults.Targets{
		Workers: s.workers, Acceptors: s.acceptors, Statuses: s.statuses,
		BrokerLines: s.lines, Fronts: []*relay.Relay{s.front, s.back},
		Storage: []*storagefault.Proxy{s.blobs, s.tables}, Broker: s.azure.Broker().Faults(), Queue: queueName,
		Lock: lockTime, Outage: s.outage, Say: s.say,
	}
}

// stop ends everything.
func (s *system) stop() {
	var ending sync.WaitGroup
	for _, p := range s.all() {
		ending.Go(func() { p.Stop(10 * time.Second) })
	}
	ending.Wait()
	for _, r := range append(s.lines, s.front, s.back) {
		if r != nil {
			r.Close()
		}
	}
	for _, p := range []*storagefault.Proxy{s.blobs, s.tables} {
		if p != nil {
			p.Close()
		}
	}
	if s.backend != nil {
		s.backend.Close()
	}
	if s.foreign != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = s.foreign.Close(ctx) // the broker ends with the run
		cancel()
	}
	if s.stored != nil {
		s.stored.Close()
	}
	if s.azure != nil {
		s.azure.Close()
	}
	os.RemoveAll(s.dir)
}
