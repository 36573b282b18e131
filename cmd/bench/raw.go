package main

import (
	"context"
	"fmt"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/stock"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// rawSteps are send, receive, row lookup, blob put, row insert and row read.
const rawSteps = 6

// rawCalls are the calls that a job cannot do without, by the stock SDKs.
type rawCalls struct {
	storage *stock.Storage
	queue   *stock.Queue
}

// warmUpCalls are made before any is measured, for connections and for
// Azurite's compiler.
const warmUpCalls = 20

// openRaw opens what raw calls need, and warms it and the services up.
func (b *bench) openRaw(ctx context.Context, s *system.System, c *caller) (*rawCalls, error) {
	storage, err := b.openStock(ctx, s, c)
	if err != nil {
		return nil, err
	}
	queue, err := stock.OpenQueue(s.ServiceBus(), system.RawQueue)
	if err != nil {
		storage.Close()
		return nil, err
	}
	r := &rawCalls{storage: storage, queue: queue}
	for range warmUpCalls {
		if err := b.warmUp(ctx, c, r); err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

func (b *bench) warmUp(ctx context.Context, c *caller, r *rawCalls) error {
	url, err := c.post(ctx)
	if err != nil {
		return err
	}
	if err := c.seen(ctx, url); err != nil {
		return err
	}
	_, err = r.run(ctx, b.payload.text)
	return err
}

// openStock opens storage for raw calls that write what a worker wrote for one
// job, which is done for the purpose. A worker must be running.
func (b *bench) openStock(ctx context.Context, s *system.System, c *caller) (*stock.Storage, error) {
	url, err := c.post(ctx)
	if err != nil {
		return nil, err
	}
	if err := awaitEmpty(ctx, s); err != nil {
		return nil, err
	}
	connection := s.Storage().ConnectionString()
	sample, err := sampleOf(ctx, connection, url)
	if err != nil {
		return nil, fmt.Errorf("read what was written for a job: %w", err)
	}
	return stock.OpenStorage(ctx, connection, sample)
}

func (r *rawCalls) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = r.queue.Close(ctx) // nothing is lost with it
	r.storage.Close()
}

// run makes the calls once, one after another, and gives what each took.
func (r *rawCalls) run(ctx context.Context, body []byte) (took [rawSteps]time.Duration, err error) {
	trip, err := r.queue.Trip(ctx, body)
	if err != nil {
		return took, err
	}
	took[0], took[1] = trip.Send, trip.Receive
	k := stock.NewKey("idle")
	for i, call := range []func(context.Context, stock.Key) error{
		r.storage.MissRow, r.storage.PutBlob, r.storage.InsertRow, r.storage.ReadRow,
	} {
		start := time.Now()
		if err := call(ctx, k); err != nil {
			return took, err
		}
		took[2+i] = time.Since(start)
	}
	return took, nil
}
