package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/backend"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/faults"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/fleet"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/load"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/relay"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/storagefault"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/job"
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

	azure         *localazure.Azure
	backend       *backend.Backend
	blobs, tables *storagefault.Proxy
	lines         []*relay.Relay // to the broker
	front, back   *relay.Relay   // to acceptors and to status services

	acceptors, workers, statuses []*fleet.Process

	recovered time.Duration // from the end of the last fault to the result of a request posted then
}

// startSystem starts everything. On an error nothing is left running.
func startSystem(ctx context.Context, o options, environ []string, log io.Writer) (*system, error) {
	dir, err := os.MkdirTemp("", "asyncreply-chaos-")
	if err != nil {
		return nil, err
	}
	s := &system{options: o, log: log, dir: dir}
	for _, step := range []func(context.Context) error{s.startAzure, s.startProxies, func(context.Context) error { return s.makeFleet(environ) }, s.startFleet} {
		if err := step(ctx); err != nil {
			s.stop()
			return nil, err
		}
	}
	return s, nil
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
	return blobstore.New(clients.Blobs, nil).EnsureContainers(ctx)
}

func (s *system) startProxies(context.Context) (err error) {
	if s.backend, err = backend.Start(); err != nil {
		return err
	}
	if s.blobs, err = storagefault.Start(s.azure.BlobEndpoint(), s.seed); err != nil {
		return err
	}
	s.tables, err = storagefault.Start(s.azure.TableEndpoint(), s.seed+1)
	return err
}

// makeFleet decides where everybody listens and what they are told.
func (s *system) makeFleet(environ []string) error {
	acceptorsAt, err := freeAddresses(acceptors)
	if err != nil {
		return err
	}
	statusesAt, err := freeAddresses(statuses)
	if err != nil {
		return err
	}
	workersAt, err := freeAddresses(s.options.workers)
	if err != nil {
		return err
	}
	if s.front, err = relay.Start(acceptorsAt...); err != nil {
		return err
	}
	if s.back, err = relay.Start(statusesAt...); err != nil {
		return err
	}
	if s.environ, err = s.shared(environ); err != nil {
		return err
	}
	for i, at := range acceptorsAt {
		err = errors.Join(err, s.add(&s.acceptors, "acceptor", i, at, "LISTEN_ADDR="+at, "SEND_TIMEOUT=3s"))
	}
	for i, at := range statusesAt {
		err = errors.Join(err, s.add(&s.statuses, "status", i, at, "LISTEN_ADDR="+at))
	}
	for i, at := range workersAt {
		err = errors.Join(err, s.add(&s.workers, "worker", i, at,
			"WORKER_HEALTH_ADDR="+at, "WORKER_HEARTBEAT=1s", "WORKER_CONCURRENCY=8", "WORKER_SOFT_STOP=5s", "BROKEN="+s.broken))
	}
	return err
}

// add makes a process with a line of its own to the broker.
func (s *system) add(to *[]*fleet.Process, name string, number int, address string, own ...string) error {
	line, err := relay.Start(s.azure.Broker().AMQPAddr())
	if err != nil {
		return err
	}
	s.lines = append(s.lines, line)
	name = fmt.Sprintf("%s-%d", name, number+1)
	own = append(own,
		"SERVICEBUS_CONNECTION_STRING=Endpoint=sb://"+line.Addr()+";SharedAccessKeyName=chaos;SharedAccessKey=chaos;UseDevelopmentEmulator=true;",
		"FAILPOINT_VITALS="+filepath.Join(s.dir, name+".json"))
	binary := name[:len(name)-2]
	*to = append(*to, &fleet.Process{Spec: fleet.Spec{
		Name: name, Path: filepath.Join(s.bin, binary), Environ: append(append([]string(nil), s.environ...), own...),
		Ready: "http://" + address + "/readyz", Log: s.log,
	}})
	return nil
}

// shared gives the environment that all services have in common.
func (s *system) shared(environ []string) ([]string, error) {
	key := make([]byte, job.MinKeyLength)
	rand.Read(key)
	operations := filepath.Join(s.dir, "operations.yaml")
	if err := os.WriteFile(operations, []byte(s.operations()), 0o600); err != nil {
		return nil, err
	}
	account := s.azure.Azurite().Storage()
	account.BlobEndpoint, account.TableEndpoint = s.blobs.URL(), s.tables.URL()
	return append(append([]string(nil), environ...),
		"SERVICEBUS_QUEUE="+queueName,
		"STORAGE_CONNECTION_STRING="+account.ConnectionString(),
		"TICKET_KEYS="+base64.StdEncoding.EncodeToString(key),
		"OPERATIONS_FILE="+operations,
		"STATUS_BASE_URL=http://"+s.back.Addr(),
		"RETENTION=24h",
	), nil
}

// operations gives the operations file: what load asks for, done by the
// backend.
func (s *system) operations() string {
	work := "{http: {url: " + s.backend.URL() + "}}"
	return `operations:
  ` + load.OperationWork + `: {processor: ` + work + `, queueTimeout: 1h, retry: {attempts: 10, backoff: 200ms, maxBackoff: 2s}}
  ` + load.OperationPanicking + `: {processor: ` + work + `, queueTimeout: 1h}
  ` + load.OperationHurried + `: {processor: ` + work + `, queueTimeout: 2s}
  ` + load.OperationLate + `: {processor: ` + work + `, queueTimeout: 1h, attemptTimeout: 1s, retry: {attempts: 2, backoff: 200ms}}
`
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
	if s.azure != nil {
		s.azure.Close()
	}
	os.RemoveAll(s.dir)
}

// Ports below those that systems give to whoever asks for any, so that nobody
// takes one while its process is being started again.
const (
	lowestPort  = 20_000
	highestPort = 32_000
)

// freeAddresses finds ports that nobody listens on.
func freeAddresses(n int) ([]string, error) {
	var all []string
	for range 100 * n {
		port := lowestPort + mathrand.IntN(highestPort-lowestPort)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer listener.Close()
		if all = append(all, listener.Addr().String()); len(all) == n {
			return all, nil
		}
	}
	return nil, errors.New("there are no free ports")
}
