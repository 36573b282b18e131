package worker_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

var (
	_ worker.Queue         = (*servicebus.Receiver)(nil)
	_ worker.Peeker        = (*servicebus.Receiver)(nil)
	_ worker.Scheduler     = (*servicebus.Sender)(nil)
	_ worker.Records       = (*tablestore.Store)(nil)
	_ worker.BatchReader   = (*tablestore.Store)(nil)
	_ worker.AbsenceKeeper = (*tablestore.Store)(nil)
	_ worker.Payloads      = (*blobstore.Container)(nil)
	_ worker.Results       = (*blobstore.Container)(nil)
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

const azureOperations = `
operations:
  work:
    retry: {attempts: 3, backoff: 200ms, maxBackoff: 1s}
    processor: {go: work}
`

// cloud is what a worker stands on, for real: Azurite, and a broker of the
// test's own.
type cloud struct {
	t       testing.TB
	broker  *emulator.Broker
	connect servicebus.Connect
	records *tablestore.Store
	blobs   *blobstore.Store
	sender  *servicebus.Sender
	issuer  *job.Issuer
	options worker.Options
}

// newCloud makes a queue whose locks last as long as given.
func newCloud(t testing.TB, lock time.Duration, deliveries int) *cloud {
	t.Helper()
	config := emulator.DefaultConfig()
	config.Queues[0].LockDuration, config.Queues[0].MaxDeliveryCount = lock, deliveries
	c := &cloud{t: t, broker: localazuretest.Broker(t, &emulator.Options{Config: config})}
	var err error
	bus := azure.ServiceBus{ConnectionString: c.broker.ConnectionString(), Queue: "jobs"}
	if c.connect, err = bus.Connector(nil); err != nil {
		t.Fatal(err)
	}
	account := azure.Storage{ConnectionString: localazuretest.Storage(t).ConnectionString()}
	clients, err := account.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clients.Close)
	name := localazuretest.Name(t)
	c.records = tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: name})
	c.blobs = blobstore.New(clients.Blobs, &blobstore.Options{PayloadContainer: name + "-p", ResultContainer: name + "-r"})
	if err := c.blobs.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.sender, err = servicebus.NewSender(c.connect, "jobs", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close(c.sender) })
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	c.issuer = job.NewIssuer(ring, nil)
	c.options = worker.Options{
		Scheduler: c.sender, Records: c.records, Payloads: c.blobs.Payloads(), Results: c.blobs.Results(),
		Operations: operations(t, azureOperations), Concurrency: 4, Sweep: 100 * time.Millisecond, Heartbeat: 200 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	return c
}

func (c *cloud) close(closer interface {
	Close(context.Context) error
}) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := closer.Close(ctx); err != nil {
		c.t.Error(err)
	}
}

func (c *cloud) receiver(opts *servicebus.ReceiverOptions) *servicebus.Receiver {
	c.t.Helper()
	r, err := servicebus.NewReceiver(c.connect, "jobs", opts)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// start runs a worker, with connections of its own, until the test ends.
func (c *cloud) start(h worker.HandlerFunc) *running {
	c.t.Helper()
	queue, dead := c.receiver(nil), c.receiver(&servicebus.ReceiverOptions{DeadLetters: true})
	options := c.options
	options.Queue, options.DeadLetters = queue, dead
	options.Handlers = worker.NewMux()
	options.Handlers.Handle("work", h)
	one, err := worker.New(&options)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{stop: cancel, done: make(chan error, 1)}
	go func() {
		err := one.Run(ctx)
		c.close(queue)
		c.close(dead)
		r.done <- err
		close(r.done)
	}()
	c.t.Cleanup(func() { r.end(c.t) })
	return r
}

// message makes the message of a new job.
func (c *cloud) message(body []byte) *job.Message {
	return &job.Message{
		ID: c.issuer.Issue(""), Operation: "work", SubmittedAt: time.Now().UTC(), Attempt: 1,
		ContentType: "text/plain", Body: body,
	}
}

// send queues a message and gives the job's id.
func (c *cloud) send(m *job.Message) job.ID {
	c.t.Helper()
	if err := c.sender.Send(c.t.Context(), m); err != nil {
		c.t.Fatal(err)
	}
	return m.ID
}

// until waits until the job's record is as asked.
func (c *cloud) until(id job.ID, ok func(job.Record) bool) job.Record {
	c.t.Helper()
	var last job.Record
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r, err := c.records.Get(c.t.Context(), id)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			c.t.Fatal(err)
		}
		if last = r; err == nil && ok(r) {
			return r
		}
	}
	c.t.Fatalf("the record never was as asked: %+v", last)
	return last
}

func (c *cloud) untilTerminal(id job.ID) job.Record {
	c.t.Helper()
	return c.until(id, func(r job.Record) bool { return r.Status.Terminal() })
}

// content reads a blob.
func (c *cloud) content(container *blobstore.Container, name string) []byte {
	c.t.Helper()
	body, _, err := container.Open(c.t.Context(), name, 0, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	defer body.Close()
	var text bytes.Buffer
	if _, err := io.Copy(&text, body); err != nil {
		c.t.Fatal(err)
	}
	return text.Bytes()
}

// untilQueue waits until the queue, or its dead-letter queue, holds as many
// messages as asked, and gives them.
func (c *cloud) untilQueue(dead bool, n int) []*job.Delivery {
	c.t.Helper()
	r := c.receiver(&servicebus.ReceiverOptions{DeadLetters: dead})
	defer c.close(r)
	var there []*job.Delivery
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if there, err = r.Peek(c.t.Context(), 0, 100); err != nil {
			c.t.Fatal(err)
		}
		if len(there) == n {
			return there
		}
	}
	c.t.Fatalf("the queue (dead letters: %v) holds %d messages, not %d", dead, len(there), n)
	return nil
}
