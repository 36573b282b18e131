// Package system runs what a benchmark measures: Azurite in memory, and as
// processes of their own, so that their processor time can be told apart, the
// broker and the three services with the settings that they have by default.
package system

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
	"github.com/asyncreply/asyncreply/cmd/internal/child"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure"
)

const (
	startTimeout = time.Minute
	stopTimeout  = 15 * time.Second
)

// Options say what is run.
type Options struct {
	Bin        string   // folder of the binaries
	Operations string   // operations file
	Logs       string   // folder for what the processes log, one file each
	Cache      string   // folder of Azurite's installation; "" is the user's
	Environ    []string // what the processes have in their environment besides their settings
	Profiling  bool     // whether the services serve profiles
}

// System is storage, the broker, and the services that were started. It is not
// safe for concurrent use.
type System struct {
	options  Options
	azurite  *localazure.Azurite
	broker   broker
	services []*Service
	shared   []string // environment of the services
	acceptor string   // addresses, known before anybody listens there
	status   string
}

// Start starts storage and the broker. On an error nothing is left running.
func Start(ctx context.Context, options Options) (*System, error) {
	s := &System{options: options}
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *System) start(ctx context.Context) (err error) {
	if s.azurite, err = localazure.StartAzurite(ctx, &localazure.AzuriteOptions{CacheDir: s.options.Cache}); err != nil {
		return err
	}
	if err := makeContainers(ctx, s.azurite.ConnectionString()); err != nil {
		return err
	}
	addresses, err := child.FreeAddresses(4)
	if err != nil {
		return err
	}
	s.acceptor, s.status = addresses[0], addresses[1]
	s.broker = broker{amqp: addresses[2], admin: addresses[3]}
	if err := s.RestartBroker(ctx); err != nil {
		return err
	}
	s.shared, err = s.environment()
	return err
}

func makeContainers(ctx context.Context, connectionString string) error {
	storage := azure.Storage{ConnectionString: connectionString}
	clients, err := storage.Open(nil)
	if err != nil {
		return err
	}
	defer clients.Close()
	return blobstore.New(clients.Blobs, nil).EnsureContainers(ctx)
}

// environment gives the settings that all services share.
func (s *System) environment() ([]string, error) {
	operations, err := filepath.Abs(s.options.Operations)
	if err != nil {
		return nil, err
	}
	key := make([]byte, job.MinKeyLength)
	rand.Read(key)
	return append(slices.Clone(s.options.Environ),
		"SERVICEBUS_CONNECTION_STRING="+s.ServiceBus(),
		"SERVICEBUS_QUEUE="+JobsQueue,
		"STORAGE_CONNECTION_STRING="+s.azurite.ConnectionString(),
		"TICKET_KEYS="+base64.StdEncoding.EncodeToString(key),
		"OPERATIONS_FILE="+operations,
		"STATUS_BASE_URL=http://"+s.status,
		"ACCEPTOR_BASE_URL=http://"+s.acceptor,
	), nil
}

// Storage says where the storage account answers.
func (s *System) Storage() localazure.Storage { return s.azurite.Storage() }

// StorageCPU gives the processor time that Azurite has used.
func (s *System) StorageCPU() cpu.Time { return cpu.Of(s.azurite.PID()) }

// Close ends everything.
func (s *System) Close() {
	for _, service := range slices.Clone(s.services) {
		service.Stop()
	}
	s.broker.stop()
	if s.azurite != nil {
		s.azurite.Close()
	}
}

// launch starts a program and waits until it is ready.
func (s *System) launch(ctx context.Context, spec child.Spec) (*child.Child, error) {
	path := filepath.Join(s.options.Logs, spec.Name+".log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	spec.Output = log
	process, err := child.Start(spec)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("gave up after %s", startTimeout))
	defer cancel()
	if err := process.AwaitReady(ctx); err != nil {
		process.Stop(stopTimeout)
		return nil, fmt.Errorf("%w (its log is %s)", err, path)
	}
	return process, nil
}
