package worker_test

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// BenchmarkOverhead measures what a quick job costs in the worker itself, with
// a queue and stores that take no time.
func BenchmarkOverhead(b *testing.B) {
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		b.Fatal(err)
	}
	queue := &instantQueue{issuer: job.NewIssuer(ring, nil), done: make(chan struct{})}
	queue.left.Store(int64(b.N))
	queue.toDo.Store(int64(b.N))
	options := worker.Options{
		Queue: queue, Scheduler: newMemQueue(), Records: instantRecords{}, Payloads: newMemBlobs(), Results: instantResults{},
		Operations: operations(b, testOperations), Handlers: worker.NewMux(),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	options.Handlers.Handle("work", worker.HandlerFunc(echo))
	one, err := worker.New(&options)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	b.ReportAllocs()
	b.ResetTimer()
	ended := make(chan error, 1)
	go func() { ended <- one.Run(ctx) }()
	<-queue.done
	b.StopTimer()
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// instantQueue has a message whenever it is asked for one.
type instantQueue struct {
	worker.Queue
	issuer     *job.Issuer
	toDo, left atomic.Int64
	done       chan struct{}
}

func (q *instantQueue) Receive(ctx context.Context, limit int) ([]*job.Delivery, error) {
	n := min(int64(limit), q.toDo.Load())
	q.toDo.Add(-n)
	if n == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	deliveries := make([]*job.Delivery, n)
	for i := range deliveries {
		deliveries[i] = &job.Delivery{
			Message: job.Message{
				ID: q.issuer.Issue(""), Operation: "work", SubmittedAt: time.Now(), Attempt: 1,
				ContentType: "text/plain", Body: []byte("hello"),
			},
			DeliveryCount: 1, LockedUntil: time.Now().Add(time.Minute),
		}
	}
	return deliveries, nil
}

func (q *instantQueue) Complete(context.Context, *job.Delivery) error {
	if q.left.Add(-1) == 0 {
		close(q.done)
	}
	return nil
}

// instantRecords takes everything and has nothing.
type instantRecords struct{}

func (instantRecords) Get(context.Context, job.ID) (job.Record, error) {
	return job.Record{}, job.ErrNotFound
}

func (instantRecords) Lookup(context.Context, []job.ID) ([]job.Record, error) { return nil, nil }

func (instantRecords) Insert(_ context.Context, r *job.Record) error {
	r.Version = "1"
	return nil
}

func (instantRecords) Update(context.Context, *job.Record) error { return nil }

// instantResults takes everything.
type instantResults struct{}

func (instantResults) Put(context.Context, string, io.Reader, job.BlobProperties) error { return nil }

func (instantResults) Delete(context.Context, string) error { return nil }
