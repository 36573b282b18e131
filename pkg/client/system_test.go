package client_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/client"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/status"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/web"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

const systemOperations = `
operations:
  echo:
    maxPayload: 64MB
    processor: {go: echo}
  fail: {processor: {go: fail}}
  held: {processor: {go: held}}
  greet:
    contentTypes: [application/json]
    schema: {type: object, required: [name], properties: {name: {type: string}}}
    processor: {go: greet}
`

// system is the whole of asyncreply: its three services in this process, the
// queue and the storage for real. The client reaches each of them through a
// proxy that can fail.
type system struct {
	t                         *testing.T
	acceptor, status, storage *azuretest.Proxy
	direct                    string // the acceptor without its proxy
	service                   *status.Service
	handlers                  *handlers

	account      azure.Storage
	bus          azure.ServiceBus
	name         string
	ring         *job.KeyRing
	set          *operation.Set
	linkLifetime time.Duration
}

func newSystem(t *testing.T, change func(*system)) *system {
	t.Helper()
	s := &system{t: t, handlers: newHandlers(), name: localazuretest.Name(t)}
	if change != nil {
		change(s)
	}
	storage := localazuretest.Storage(t)
	s.storage = azuretest.NewProxy(t, storage.BlobEndpoint)
	s.account.ConnectionString = storage.ConnectionString()
	s.bus = azure.ServiceBus{ConnectionString: localazuretest.Broker(t, nil).ConnectionString(), Queue: "jobs"}
	var err error
	if s.ring, err = job.NewKeyRing(bytes.Repeat([]byte{7}, job.MinKeyLength)); err != nil {
		t.Fatal(err)
	}
	if s.set, err = operation.Parse(strings.NewReader(systemOperations)); err != nil {
		t.Fatal(err)
	}
	s.startStatus()
	s.startAcceptor()
	s.startWorker()
	return s
}

// open gives the storage account. Links to results are made by one that is
// reached through the proxy.
func (s *system) open(endpoint string) *azure.Clients {
	s.t.Helper()
	account := s.account
	if endpoint != "" {
		account.ConnectionString = strings.ReplaceAll(account.ConnectionString, localazuretest.Storage(s.t).BlobEndpoint, endpoint)
	}
	clients, err := account.Open(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(clients.Close)
	return clients
}

func (s *system) blobs(c *azure.Clients) *blobstore.Store {
	s.t.Helper()
	store := blobstore.New(c.Blobs, &blobstore.Options{PayloadContainer: s.name + "-p", ResultContainer: s.name + "-r"})
	if err := store.EnsureContainers(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return store
}

func (s *system) startStatus() {
	s.t.Helper()
	clients, seen := s.open(""), s.open(s.storage.URL())
	e := web.New(nil)
	server := httptest.NewUnstartedServer(e)
	s.status = azuretest.NewProxy(s.t, "http://"+server.Listener.Addr().String())
	var err error
	s.service, err = status.New(&status.Options{
		BaseURL: s.status.URL(), Keys: s.ring,
		Records: tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: s.name}),
		Results: s.blobs(clients).Results(),
		Signer: blobstore.NewSigner(seen.Blobs, seen.SharedKey, &blobstore.SignerOptions{
			Container: s.name + "-r", Lifetime: s.linkLifetime,
		}),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.service.Register(e)
	server.Start()
	s.t.Cleanup(func() {
		s.service.Close()
		server.Close()
	})
}

func (s *system) startAcceptor() {
	s.t.Helper()
	clients := s.open("")
	connect, err := s.bus.Connector(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	sender, err := servicebus.NewSender(connect, "jobs", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := acceptor.New(&acceptor.Options{
		Operations: s.set, Issuer: job.NewIssuer(s.ring, nil), Sender: sender, StatusBaseURL: s.status.URL(),
		Payloads:     s.blobs(clients).Payloads(),
		Reservations: tablestore.NewReservations(clients.Tables, &tablestore.Options{TablePrefix: s.name}),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	e := web.New(nil)
	a.Register(e)
	server := httptest.NewServer(e)
	s.direct, s.acceptor = server.URL, azuretest.NewProxy(s.t, server.URL)
	s.t.Cleanup(func() {
		server.Close()
		s.close(sender)
	})
}

func (s *system) startWorker() {
	s.t.Helper()
	clients := s.open("")
	connect, err := s.bus.Connector(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	queue, err := servicebus.NewReceiver(connect, "jobs", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	sender, err := servicebus.NewSender(connect, "jobs", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	blobs := s.blobs(clients)
	one, err := worker.New(&worker.Options{
		Queue: queue, Scheduler: sender, Payloads: blobs.Payloads(), Results: blobs.Results(),
		Records:    tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: s.name}),
		Operations: s.set, Handlers: s.handlers.mux(), Heartbeat: 100 * time.Millisecond,
		SoftStop: -1, Logger: slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- one.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		s.close(queue)
		s.close(sender)
	})
}

func (s *system) close(c interface{ Close(context.Context) error }) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		s.t.Error(err)
	}
}

// client gives a client of the system; opts may be nil.
func (s *system) client(opts *client.Options) *client.Client {
	s.t.Helper()
	c, err := client.New(s.acceptor.URL(), opts)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.CloseIdleConnections)
	return c
}

// with gives the system to a subtest.
func (s *system) with(t *testing.T) *system {
	own := *s
	own.t = t
	return &own
}

// isPost and the like choose requests for faults.
func isPost(r *http.Request) bool { return r.Method == http.MethodPost }
func isGet(r *http.Request) bool  { return r.Method == http.MethodGet }
