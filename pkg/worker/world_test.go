package worker_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

var (
	_ worker.Queue       = (*memQueue)(nil)
	_ worker.Scheduler   = (*memQueue)(nil)
	_ worker.Peeker      = (*memQueue)(nil)
	_ worker.Records     = (*memRecords)(nil)
	_ worker.BatchReader = (*memRecords)(nil)
	_ worker.Payloads    = (*memBlobs)(nil)
	_ worker.Results     = (*memBlobs)(nil)
)

const testOperations = `
operations:
  work:
    attemptTimeout: 10m
    deadline: 1h
    retry: {attempts: 3, backoff: 10s, maxBackoff: 1m}
    processor: {go: work}
`

// world is a worker's surroundings in memory, for tests in a synctest bubble.
type world struct {
	t        *testing.T
	queue    *memQueue
	records  *memRecords
	payloads *memBlobs
	results  *memBlobs
	issuer   *job.Issuer
	bodies   map[job.ID][]byte // of the jobs submitted
	options  worker.Options
}

func newWorld(t *testing.T) *world {
	time.Sleep(time.Until(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))) // a bubble begins in 2000
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, queue: newMemQueue(), records: newMemRecords(), payloads: newMemBlobs(), results: newMemBlobs(),
		issuer: job.NewIssuer(ring, nil), bodies: map[job.ID][]byte{},
	}
	w.options = worker.Options{
		Queue: w.queue, Scheduler: w.queue, DeadLetters: w.queue, Records: w.records,
		Payloads: w.payloads, Results: w.results, Operations: operations(t, testOperations),
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return w
}

func operations(t testing.TB, text string) *operation.Set {
	t.Helper()
	set, err := operation.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// running is a worker that runs.
type running struct {
	stop func()     // asks it to stop
	done chan error // gives what Run gave
}

// start runs a worker whose operation "work" is h. It is stopped with the test.
func (w *world) start(h worker.HandlerFunc) *running {
	w.t.Helper()
	options := w.options
	options.Handlers = worker.NewMux()
	options.Handlers.Handle("work", h)
	one, err := worker.New(&options)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{stop: cancel, done: make(chan error, 1)}
	go func() { r.done <- one.Run(ctx) }()
	w.t.Cleanup(cancel)
	return r
}

// end stops the worker and waits for it.
func (r *running) end(t testing.TB) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Error("Run:", err)
	}
}

// message makes the message of a new job.
func (w *world) message(body string) job.Message {
	id := w.issuer.Issue("")
	return job.Message{
		ID: id, Operation: "work", SubmittedAt: time.Now().UTC(), Attempt: 1,
		Body: []byte(body), ContentType: "text/plain",
	}
}

// submit queues a new job and gives its id.
func (w *world) submit(body string) job.ID {
	m := w.message(body)
	w.bodies[m.ID] = m.Body
	w.queue.send(m, nil)
	return m.ID
}

// until waits until the job's record is as asked, for at most an hour.
func (w *world) until(id job.ID, what string, ok func(job.Record) bool) job.Record {
	w.t.Helper()
	for range 36_000 {
		synctest.Wait()
		if r := w.records.now(id); ok(r) {
			return r
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("job never was %s; record: %+v", what, w.records.now(id))
	return job.Record{}
}

func (w *world) untilTerminal(id job.ID) job.Record {
	w.t.Helper()
	return w.until(id, "terminal", func(r job.Record) bool { return r.Status.Terminal() })
}

// echo gives the payload back.
func echo(_ context.Context, j *worker.Job) error {
	_, err := io.Copy(j.Result(j.ContentType), j.Payload())
	return err
}

// untilCanceled waits for the end of its context and gives the cause.
func untilCanceled(causes chan<- error) worker.HandlerFunc {
	return func(ctx context.Context, j *worker.Job) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return errors.New("interrupted")
	}
}
