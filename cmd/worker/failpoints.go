//go:build failpoints

package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/failpoint"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// withFailpoints has the worker come by its points at every step that leaves a
// trace outside of it, and breaks it if BROKEN asks for that.
func withFailpoints(opts *worker.Options) (*worker.Options, error) {
	points, err := failpoint.Parse(os.Getenv(failpoint.Variable))
	if err != nil {
		return nil, err
	}
	failpoint.WatchVitals(os.Getenv(failpoint.VitalsVariable))
	if err := broken(os.Getenv(brokenVariable), opts); err != nil {
		return nil, err
	}
	o := *opts
	o.Queue = &failingQueue{Queue: o.Queue, points: points}
	o.Scheduler = &failingScheduler{Scheduler: o.Scheduler, points: points}
	o.Records = &failingRecords{Records: o.Records, points: points}
	o.Results = &failingResults{Results: o.Results, points: points}
	o.Handlers.Use(func(next worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(ctx context.Context, j *worker.Job) error {
			points.At("worker.in-handler")
			if j.Operation == panicking {
				panic("the operation asks for it")
			}
			return next.Handle(ctx, j)
		})
	})
	return &o, nil
}

// panicking is the operation whose handler panics.
const panicking = "panicking"

type failingQueue struct {
	worker.Queue
	points *failpoint.Points
}

func (q *failingQueue) Receive(ctx context.Context, limit int) ([]*job.Delivery, error) {
	d, err := q.Queue.Receive(ctx, limit)
	if len(d) > 0 {
		q.points.At("worker.after-receive")
	}
	return d, err
}

func (q *failingQueue) Complete(ctx context.Context, d *job.Delivery) error {
	q.points.At("worker.before-complete")
	defer q.points.At("worker.after-complete")
	return q.Queue.Complete(ctx, d)
}

func (q *failingQueue) DeadLetter(ctx context.Context, d *job.Delivery, reason, description string) error {
	q.points.At("worker.before-dead-letter")
	return q.Queue.DeadLetter(ctx, d, reason, description)
}

type failingScheduler struct {
	worker.Scheduler
	points *failpoint.Points
}

func (s *failingScheduler) Schedule(ctx context.Context, m *job.Message, at time.Time) error {
	s.points.At("worker.before-copy")
	defer s.points.At("worker.after-copy")
	return s.Scheduler.Schedule(ctx, m, at)
}

type failingRecords struct {
	worker.Records
	points *failpoint.Points
}

func (r *failingRecords) Insert(ctx context.Context, record *job.Record) error {
	return r.write(record, func() error { return r.Records.Insert(ctx, record) })
}

func (r *failingRecords) Update(ctx context.Context, record *job.Record) error {
	return r.write(record, func() error { return r.Records.Update(ctx, record) })
}

func (r *failingRecords) write(record *job.Record, put func() error) error {
	kind := "claim"
	if record.Status.Terminal() {
		kind = "row"
	}
	r.points.At("worker.before-" + kind)
	err := put()
	if err == nil {
		r.points.At("worker.after-" + kind)
	}
	return err
}

// Lookup keeps the worker's way of looking a batch up.
func (r *failingRecords) Lookup(ctx context.Context, ids []job.ID) ([]job.Record, error) {
	return r.Records.(worker.BatchReader).Lookup(ctx, ids)
}

// Absent keeps the worker's way of sparing reads.
func (r *failingRecords) Absent(id job.ID, maxAge time.Duration) bool {
	return r.Records.(worker.AbsenceKeeper).Absent(id, maxAge)
}

type failingResults struct {
	worker.Results
	points *failpoint.Points
}

func (r *failingResults) Put(ctx context.Context, name string, content io.Reader, p job.BlobProperties) error {
	r.points.At("worker.before-blob")
	err := r.Results.Put(ctx, name, content, p)
	if err == nil {
		r.points.At("worker.after-blob")
	}
	return err
}
