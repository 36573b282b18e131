package worker_test

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// BenchmarkPickUp measures how long a lone message takes from the call that
// sends it to the idle worker's hands, and to its handler, beside the time that
// the call itself takes.
func BenchmarkPickUp(b *testing.B) {
	c := newCloud(b, time.Minute, 10)
	c.options.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	queue := &timedQueue{Receiver: c.receiver(nil), received: make(chan time.Time, 1)}
	handled := make(chan time.Time, 1)
	options := c.options
	options.Queue, options.Handlers = queue, worker.NewMux()
	options.Handlers.Handle("work", worker.HandlerFunc(func(context.Context, *worker.Job) error {
		handled <- time.Now()
		return nil
	}))
	one, err := worker.New(&options)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- one.Run(ctx) }()
	var sent, received, started []time.Duration
	for b.Loop() {
		m := c.message(nil)
		begun := time.Now()
		if err := c.sender.Send(b.Context(), m); err != nil {
			b.Fatal(err)
		}
		sent = append(sent, time.Since(begun))
		received = append(received, (<-queue.received).Sub(begun))
		started = append(started, (<-handled).Sub(begun))
		c.untilTerminal(m.ID)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(medianMicroseconds(sent), "µs-sent")
	b.ReportMetric(medianMicroseconds(received), "µs-received")
	b.ReportMetric(medianMicroseconds(started), "µs-handled")
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	c.close(queue.Receiver)
}

func medianMicroseconds(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2].Microseconds())
}

// timedQueue tells when messages came.
type timedQueue struct {
	*servicebus.Receiver
	received chan time.Time
}

func (q *timedQueue) Receive(ctx context.Context, limit int) ([]*job.Delivery, error) {
	deliveries, err := q.Receiver.Receive(ctx, limit)
	if len(deliveries) > 0 {
		q.received <- time.Now()
	}
	return deliveries, err
}
