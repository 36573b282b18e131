package worker_test

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// cutQueue is one worker's line to a queue, which can be cut.
type cutQueue struct {
	*memQueue
	cut *atomic.Bool
}

func (q cutQueue) call(f func() error) error {
	if q.cut.Load() {
		return errOutage
	}
	return f()
}

func (q cutQueue) Receive(ctx context.Context, max int) ([]*job.Delivery, error) {
	if q.cut.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return q.memQueue.Receive(ctx, max)
}

func (q cutQueue) Renew(ctx context.Context, d *job.Delivery) error {
	return q.call(func() error { return q.memQueue.Renew(ctx, d) })
}

func (q cutQueue) Complete(ctx context.Context, d *job.Delivery) error {
	return q.call(func() error { return q.memQueue.Complete(ctx, d) })
}

func (q cutQueue) Abandon(ctx context.Context, d *job.Delivery) error {
	return q.call(func() error { return q.memQueue.Abandon(ctx, d) })
}

func (q cutQueue) DeadLetter(ctx context.Context, d *job.Delivery, reason, description string) error {
	return q.call(func() error { return q.memQueue.DeadLetter(ctx, d, reason, description) })
}

func (q cutQueue) Schedule(ctx context.Context, m *job.Message, at time.Time) error {
	return q.call(func() error { return q.memQueue.Schedule(ctx, m, at) })
}

func (q cutQueue) Peek(ctx context.Context, from int64, max int) (page []*job.Delivery, err error) {
	err = q.call(func() error {
		page, err = q.memQueue.Peek(ctx, from, max)
		return err
	})
	return page, err
}

// cutRecords is one worker's line to the records, which can be cut.
type cutRecords struct {
	*memRecords
	cut *atomic.Bool
}

func (s cutRecords) Get(ctx context.Context, id job.ID) (job.Record, error) {
	if s.cut.Load() {
		return job.Record{}, errOutage
	}
	return s.memRecords.Get(ctx, id)
}

func (s cutRecords) Lookup(ctx context.Context, ids []job.ID) ([]job.Record, error) {
	if s.cut.Load() {
		return nil, errOutage
	}
	return s.memRecords.Lookup(ctx, ids)
}

func (s cutRecords) Insert(ctx context.Context, r *job.Record) error {
	if s.cut.Load() {
		return errOutage
	}
	return s.memRecords.Insert(ctx, r)
}

func (s cutRecords) Update(ctx context.Context, r *job.Record) error {
	if s.cut.Load() {
		return errOutage
	}
	return s.memRecords.Update(ctx, r)
}
