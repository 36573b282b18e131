package redrive_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/redrive"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

var (
	_ redrive.DeadLetters = (*servicebus.Receiver)(nil)
	_ redrive.Scheduler   = (*servicebus.Sender)(nil)
	_ redrive.Records     = (*tablestore.Store)(nil)
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// system is a worker on a broker and Azurite. What its handler does with a job
// is decided by do.
type system struct {
	t       *testing.T
	broker  *emulator.Broker
	connect servicebus.Connect
	records *tablestore.Store
	sender  *servicebus.Sender
	dead    *servicebus.Receiver
	issuer  *job.Issuer
	worker  worker.Options

	mu sync.Mutex
	do func(*worker.Job) error
}

func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{t: t, broker: localazuretest.Broker(t, nil)}
	s.connect = azuretest.Connector(t, s.broker.ConnectionString())
	clients := azuretest.Clients(t, localazuretest.Storage(t).ConnectionString())
	name := localazuretest.Name(t)
	s.records = tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: name})
	blobs := blobstore.New(clients.Blobs, &blobstore.Options{PayloadContainer: name + "-p", ResultContainer: name + "-r"})
	if err := blobs.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.sender, err = servicebus.NewSender(s.connect, "jobs", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close(s.sender) })
	s.dead = s.receiver(true)
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	s.issuer = job.NewIssuer(ring, nil)
	operations, err := operation.Parse(strings.NewReader(
		"operations:\n  work:\n    deadline: 1h\n    retry: {attempts: 2, backoff: 10ms, maxBackoff: 20ms}\n    processor: {go: work}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s.worker = worker.Options{
		Scheduler: s.sender, Records: s.records, Payloads: blobs.Payloads(), Results: blobs.Results(), Operations: operations,
		Concurrency: 4, Sweep: 50 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	return s
}

func (s *system) close(closer interface {
	Close(context.Context) error
}) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := closer.Close(ctx); err != nil {
		s.t.Error(err)
	}
}

func (s *system) receiver(dead bool) *servicebus.Receiver {
	s.t.Helper()
	r, err := servicebus.NewReceiver(s.connect, "jobs", &servicebus.ReceiverOptions{DeadLetters: dead})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.close(r) })
	return r
}

// handle says what becomes of jobs from now on.
func (s *system) handle(do func(*worker.Job) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.do = do
}

// work runs a worker until the test ends.
func (s *system) work() {
	s.t.Helper()
	options := s.worker
	options.Queue, options.DeadLetters = s.receiver(false), s.receiver(true)
	options.Handlers = worker.NewMux()
	options.Handlers.HandleFunc("work", func(_ context.Context, j *worker.Job) error {
		s.mu.Lock()
		do := s.do
		s.mu.Unlock()
		return do(j)
	})
	one, err := worker.New(&options)
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
	})
}

func (s *system) message() *job.Message {
	return &job.Message{ID: s.issuer.Issue(""), Operation: "work", SubmittedAt: time.Now().UTC(), Attempt: 1, Body: []byte("x")}
}

func (s *system) send(m *job.Message) job.ID {
	s.t.Helper()
	if err := s.sender.Send(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	return m.ID
}

// until waits until the job has ended as asked.
func (s *system) until(id job.ID, status job.Status) job.Record {
	s.t.Helper()
	var last job.Record
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		r, err := s.records.Get(s.t.Context(), id)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			s.t.Fatal(err)
		}
		if last = r; err == nil && r.Status == status {
			return r
		}
	}
	s.t.Fatalf("the job never was %s: %+v", status, last)
	return last
}

// untilDead waits until the dead-letter queue holds as many messages.
func (s *system) untilDead(n int) []*job.Delivery {
	s.t.Helper()
	var there []*job.Delivery
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		if there, err = s.dead.Peek(s.t.Context(), 0, 1000); err != nil {
			s.t.Fatal(err)
		}
		if len(there) == n {
			return there
		}
	}
	s.t.Fatalf("%d dead letters, want %d", len(there), n)
	return nil
}

// outcomes runs a redrive and gives what it reported, by job.
func (s *system) outcomes(change func(*redrive.Options)) (map[job.ID]redrive.Action, redrive.Summary) {
	s.t.Helper()
	var mu sync.Mutex
	actions := map[job.ID]redrive.Action{}
	opts := redrive.Options{
		DeadLetters: s.receiver(true), Scheduler: s.sender, Records: s.records, Retention: 24 * time.Hour,
		Report: func(o redrive.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			actions[o.ID] = o.Action
			s.t.Logf("%+v", o)
		},
	}
	if change != nil {
		change(&opts)
	}
	summary, err := redrive.Run(s.t.Context(), &opts)
	if err != nil {
		s.t.Fatal(err)
	}
	return actions, summary
}

// byID selects some jobs.
func byID(ids ...job.ID) func(*redrive.Options) {
	return func(o *redrive.Options) {
		o.Select = func(d *job.Delivery) bool { return slices.Contains(ids, d.Message.ID) }
	}
}

func fails(*worker.Job) error { return worker.Permanent(errors.New("the backend is out of order")) }

func succeeds(*worker.Job) error { return nil }
