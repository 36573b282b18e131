package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/estimate"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/retention"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/telemetry"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

const (
	closeTimeout = 5 * time.Second // of the orderly end of the connections to the queue
	startTimeout = 5 * time.Second // of the first look at what the worker stands on

	connectionsPerJob = 4 // to storage: payload, result with two blocks in flight, record
)

// service is the worker with what it stands on. Receiving, sending and reading
// dead letters have a connection each, so that none waits for another.
type service struct {
	cfg     *config
	log     *slog.Logger
	storage *azure.Clients
	records *tablestore.Store
	blobs   *blobstore.Store
	queue   *servicebus.Receiver
	dead    *servicebus.Receiver
	sender  *servicebus.Sender
	learned *estimate.Observer
	told    *telemetry.Telemetry // nil: nobody asked
	worker  *worker.Worker
	janitor *retention.Janitor
}

// newService wires the parts up. It makes no request that it waits for.
// The secrets that the operations file names come from environ.
func newService(cfg *config, environ []string, log *slog.Logger) (*service, error) {
	operations, err := operation.Load(cfg.OperationsFile)
	if err != nil {
		return nil, settings.Wrong("OPERATIONS_FILE", err)
	}
	if err := operations.Expand(lookupIn(environ)); err != nil {
		return nil, settings.Wrong("OPERATIONS_FILE", err)
	}
	if longest := operations.LongestQueueTimeout(); cfg.Retention <= longest {
		return nil, settings.Wrong("RETENTION", fmt.Errorf("%s is not longer than the longest queueTimeout in OPERATIONS_FILE, %s", cfg.Retention, longest))
	}
	handlers, err := newHandlers(operations)
	if err != nil {
		return nil, settings.Wrong("OPERATIONS_FILE", err)
	}
	s := &service{cfg: cfg, log: log}
	if err := errors.Join(s.openStorage(), s.openQueue()); err != nil {
		s.close()
		return nil, err
	}
	if s.learned, err = s.newObserver(); err != nil {
		s.close()
		return nil, err
	}
	if s.told, err = cfg.Telemetry.Start(context.Background(), "worker", version, log); err != nil {
		s.close()
		return nil, err
	}
	s.worker, err = s.newWorker(&worker.Options{
		Queue: s.queue, Scheduler: s.sender, DeadLetters: s.dead,
		Records: s.records, Payloads: s.blobs.Payloads(), Results: s.blobs.Results(),
		Operations: operations, Handlers: handlers, Observer: tell(s.told, handlers, s.learned),
		Concurrency: cfg.Concurrency, SoftStop: cfg.softStop(), Heartbeat: cfg.Heartbeat, Retention: cfg.Retention, Logger: log,
		Now: s.storage.Now,
	})
	if err == nil {
		s.janitor, err = s.newJanitor()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// newJanitor makes what drops expired days. It goes by storage's clock: one
// worker whose own is wrong is not to drop what is still wanted.
func (s *service) newJanitor() (*retention.Janitor, error) {
	return retention.New(&retention.Options{
		Records: s.records, Payloads: s.blobs.Payloads(), Results: s.blobs.Results(),
		Keys:      tablestore.NewReservations(s.storage.Tables, &tablestore.Options{TablePrefix: s.cfg.Storage.TablePrefix}),
		Retention: s.cfg.Retention, Interval: s.cfg.JanitorInterval, Now: s.storage.Now, Logger: s.log,
	})
}

// newObserver makes what reports how long jobs take, for Retry-After.
func (s *service) newObserver() (*estimate.Observer, error) {
	return estimate.NewObserver(&estimate.Options{
		Store: tablestore.NewEstimates(s.storage.Tables, &tablestore.Options{TablePrefix: s.cfg.Storage.TablePrefix}),
		Now:   s.storage.Now, Logger: s.log,
	})
}

func (s *service) newWorker(opts *worker.Options) (*worker.Worker, error) {
	opts, err := withFailpoints(opts)
	if err != nil {
		return nil, err
	}
	return worker.New(opts)
}

// lookupIn finds variables in an environment whose entries are NAME=value.
func lookupIn(environ []string) func(name string) (string, bool) {
	variables := env.ToMap(environ)
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

func (s *service) openStorage() (err error) {
	s.storage, err = s.cfg.Storage.Open(&azure.Options{Concurrency: connectionsPerJob * s.cfg.Concurrency})
	if err != nil {
		return err
	}
	s.records = tablestore.New(s.storage.Tables, &tablestore.Options{TablePrefix: s.cfg.Storage.TablePrefix})
	s.blobs = blobstore.New(s.storage.Blobs, &blobstore.Options{
		PayloadContainer: s.cfg.Storage.PayloadContainer, ResultContainer: s.cfg.Storage.ResultContainer,
	})
	return nil
}

func (s *service) openQueue() error {
	connect, err := s.cfg.ServiceBus.Connector(nil)
	if err != nil {
		return err
	}
	name := s.cfg.ServiceBus.Queue
	if s.queue, err = servicebus.NewReceiver(connect, name, &servicebus.ReceiverOptions{Logger: s.log}); err != nil {
		return err
	}
	if s.dead, err = servicebus.NewReceiver(connect, name, &servicebus.ReceiverOptions{DeadLetters: true, Logger: s.log}); err != nil {
		return err
	}
	s.sender, err = servicebus.NewSender(connect, name, &servicebus.SenderOptions{Logger: s.log})
	return err
}

// serve works until ctx is done, and answers probes as long as it does.
func (s *service) serve(ctx context.Context) error {
	probes, err := s.startProbes(ctx)
	if err != nil {
		return err
	}
	s.look(ctx)
	cleaning, stopCleaning := context.WithCancel(ctx)
	reporting, stopReporting := context.WithCancel(context.WithoutCancel(ctx)) // the last jobs' times too
	var beside sync.WaitGroup
	beside.Go(func() { s.janitor.Run(cleaning) })
	beside.Go(func() { s.learned.Run(reporting) })
	err = s.worker.Run(ctx)
	stopCleaning()
	stopReporting()
	beside.Wait()
	return errors.Join(err, probes.stop())
}

// look says at the start whether all is well. The worker goes on if not: what
// is out of order may come back.
func (s *service) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ready := true
	for _, check := range s.checks() {
		if err := check.Func(ctx); err != nil {
			s.log.Warn("not ready", "failing", check.Name, "error", err)
			ready = false
		}
	}
	if ready {
		s.log.Info("ready", "address", s.cfg.HealthAddr, "queue", s.cfg.ServiceBus.Queue, "concurrency", s.cfg.Concurrency, "version", version)
	}
}

// makeContainer makes a container where there is none, as on a new Azurite.
func makeContainer(c *blobstore.Container) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		err := c.Ready(ctx)
		if errors.Is(err, job.ErrNotFound) {
			return c.Ensure(ctx)
		}
		return err
	}
}

// close disconnects.
func (s *service) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var err error
	if s.queue != nil {
		err = s.queue.Close(ctx)
	}
	if s.dead != nil {
		err = errors.Join(err, s.dead.Close(ctx))
	}
	if s.sender != nil {
		err = errors.Join(err, s.sender.Close(ctx))
	}
	if err != nil {
		s.log.Warn("closing the connections to the queue failed", "error", err)
	}
	if s.storage != nil {
		s.storage.Close()
	}
	if err := s.told.Close(ctx); err != nil {
		s.log.Warn("sending the last telemetry failed", "error", err)
	}
}
