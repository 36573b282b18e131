package worker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// redrive puts a failed job back as an operator does: record, then message.
func (w *world) redrive(id job.ID, spent int) job.Message {
	w.t.Helper()
	r, err := w.records.Get(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	if r, err = r.Redrive(spent, time.Now().UTC()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.records.Update(context.Background(), &r); err != nil {
		w.t.Fatal(err)
	}
	m := job.Message{
		ID: id, Operation: "work", SubmittedAt: r.SubmittedAt, Attempt: r.FailedAttempts + 1, Body: w.bodies[id], ContentType: "text/plain",
	}
	return m
}

// TestRedrivenJob keeps the promise that a job that was put back long after its
// deadline has its time and all its attempts again.
func TestRedrivenJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		tries := 0
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if tries++; tries < 6 {
				return errors.New("not yet")
			}
			return echo(ctx, j)
		})
		id := w.submit("x")
		if got := w.untilTerminal(id); got.Failure.Code != job.CodeAttemptsExhausted || tries != 3 {
			t.Fatalf("after %d tries: %+v", tries, got.Failure)
		}
		time.Sleep(2 * time.Hour)
		w.queue.send(w.redrive(id, 3), nil)
		w.until(id, "succeeded", func(r job.Record) bool { return r.Status == job.StatusSucceeded })
		if got := w.records.now(id); tries != 6 || got.Attempt != 6 || got.FailedAttempts != 5 || got.FailedBefore != 3 {
			t.Errorf("after %d tries: %+v", tries, got)
		}
		r.end(t)
	})
}

// TestBrokenRedriveIsEnded keeps the promise that a redrive that broke off
// between record and message is ended by a worker, though it has seen the dead
// letter before.
func TestBrokenRedriveIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		fails := true
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if fails {
				return worker.Permanent(errors.New("no"))
			}
			return echo(ctx, j)
		})
		id := w.submit("x")
		w.untilTerminal(id)
		time.Sleep(time.Minute)
		synctest.Wait()
		fails = false
		w.redrive(id, 1)
		time.Sleep(2 * time.Hour)
		w.until(id, "succeeded", func(r job.Record) bool { return r.Status == job.StatusSucceeded })
		r.end(t)
	})
}
