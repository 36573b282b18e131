package worker_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestCancelWhileRunning keeps the promise that a canceled job's handler hears
// of it within a heartbeat, and that nothing of its result remains.
func TestCancelWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		causes := make(chan error, 1)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			out := j.Result("text/plain")
			if _, err := out.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return nil
		})
		id := w.submit("")
		running := w.until(id, "running", func(r job.Record) bool { return r.Status == job.StatusRunning })
		canceled, err := running.Cancel(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.records.Update(t.Context(), &canceled); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if cause := <-causes; !errors.Is(cause, job.ErrCanceled) || time.Since(began) > worker.DefaultHeartbeat {
			t.Errorf("cause %v after %v", cause, time.Since(began))
		}
		r.end(t)
		w.wantNothingLeft()
		if got := w.records.now(id); got.Status != job.StatusCanceled {
			t.Errorf("record: %+v", got)
		}
	})
}

func (w *world) wantNothingLeft() {
	w.t.Helper()
	if active, dead := w.queue.counts(); active+dead != 0 {
		w.t.Errorf("%d messages in the queue, %d dead", active, dead)
	}
	if names := w.results.names(); len(names) != 0 {
		w.t.Errorf("results left: %v", names)
	}
}

// TestCanceledWhileQueued keeps the promise that a job canceled before it was
// received never runs, and that its payload goes.
func TestCanceledWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.payloads.blobs["payload"] = []byte("x")
		m := w.message("")
		m.PayloadBlob, m.PayloadSize = "payload", 1
		canceled := job.CancelQueued(m.ID, "", time.Now())
		if err := w.records.Insert(t.Context(), &canceled); err != nil {
			t.Fatal(err)
		}
		w.queue.send(m, nil)
		r := w.start(func(context.Context, *worker.Job) error { t.Error("it ran"); return nil })
		synctest.Wait()
		r.end(t)
		w.wantNothingLeft()
		if names := w.payloads.names(); len(names) != 0 {
			t.Errorf("payloads left: %v", names)
		}
	})
}

// TestCancelBetweenClaimAndEnd keeps the promise that a job canceled before
// its quick handler ended stays canceled.
func TestCancelBetweenClaimAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var id job.ID
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			canceled := job.CancelQueued(j.ID, "", time.Now())
			return w.records.Insert(ctx, &canceled)
		})
		id = w.submit("")
		w.untilTerminal(id)
		r.end(t)
		w.wantNothingLeft()
		if past := w.records.past(id); len(past) != 1 || past[0].Status != job.StatusCanceled {
			t.Errorf("history: %+v", past)
		}
	})
}

// TestLostLock keeps the promise that a handler whose lock is lost hears of
// it, that another takes the job over, and that one result counts.
func TestLostLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		causes := make(chan error, 1)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if j.Attempt > 1 {
				return echo(ctx, j)
			}
			out := j.Result("text/plain")
			<-ctx.Done()
			causes <- context.Cause(ctx)
			_, err := io.WriteString(out, "overtaken")
			return err
		})
		id := w.submit("taken over")
		time.Sleep(2 * time.Second)
		w.queue.expireLocks()
		got := w.untilTerminal(id)
		if cause := <-causes; !errors.Is(cause, job.ErrOvertaken) && !errors.Is(cause, job.ErrLockLost) {
			t.Errorf("cause %v", cause)
		}
		r.end(t)
		if got.Status != job.StatusSucceeded || got.Attempt != 2 || got.FailedAttempts != 0 {
			t.Errorf("record: %+v", got)
		}
		if names := w.results.names(); len(names) != 1 || string(w.results.content(got.Result.Blob)) != "taken over" {
			t.Errorf("results: %v", names)
		}
	})
}

// TestBrokerOutageEndsTheHold keeps the promise that a worker that cannot
// renew its lock stops when the lock has run out, and no sooner.
func TestBrokerOutageEndsTheHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		causes := make(chan error, 1)
		r := w.start(untilCanceled(causes))
		w.submit("")
		synctest.Wait()
		began := time.Now()
		w.queue.setFault(func(string) error { return errOutage })
		if cause := <-causes; !errors.Is(cause, job.ErrLockLost) {
			t.Errorf("cause %v", cause)
		}
		if held := time.Since(began); held < w.queue.lockTime || held > w.queue.lockTime+time.Second {
			t.Errorf("held for %v", held)
		}
		r.end(t)
	})
}

// TestOvertakenWorkerIsOut keeps the promise that a worker that was frozen
// beyond its lock changes nothing any more: its result is discarded.
func TestOvertakenWorkerIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			other := job.Claim(&job.Message{ID: j.ID, Operation: "work"}, time.Now().Add(-time.Second))
			done, _ := other.Succeed(job.Result{Blob: "theirs"}, time.Now().Add(-time.Millisecond))
			if err := w.records.Insert(ctx, &done); err != nil {
				return err
			}
			return echo(ctx, j)
		})
		id := w.submit("mine")
		w.untilTerminal(id)
		r.end(t)
		w.wantNothingLeft()
		if past := w.records.past(id); len(past) != 1 || past[0].Result.Blob != "theirs" {
			t.Errorf("history: %+v", past)
		}
	})
}

// TestRedeliveryOfARetriedTry keeps the promise that no attempt is lost when a
// worker dies between the record, the copy and the completion.
func TestRedeliveryOfARetriedTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.message("x")
		waiting, _ := job.Claim(&m, time.Now()).Retry(job.Failure{Code: "Hiccup"}, time.Now().Add(20*time.Second), time.Now())
		if err := w.records.Insert(t.Context(), &waiting); err != nil {
			t.Fatal(err)
		}
		w.queue.send(m, nil) // the copy was never scheduled
		ran := make(chan time.Time, 2)
		r := w.start(func(ctx context.Context, j *worker.Job) error { ran <- time.Now(); return nil })
		got := w.untilTerminal(m.ID)
		r.end(t)
		if got.Status != job.StatusSucceeded || got.Attempt != 2 || len(ran) != 1 || (<-ran).Before(waiting.NextAttemptAt) {
			t.Errorf("record: %+v", got)
		}
	})
}

// TestRedeliveryOfAFailedJob keeps the promise that the message of a failed
// job ends in the dead-letter queue even if the worker died before it got there.
func TestRedeliveryOfAFailedJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.message("x")
		failed, _ := job.Claim(&m, time.Now()).Fail(job.Failure{Code: "NoColour", Message: "Say which."}, time.Now())
		if err := w.records.Insert(t.Context(), &failed); err != nil {
			t.Fatal(err)
		}
		w.queue.send(m, nil)
		r := w.start(func(context.Context, *worker.Job) error { t.Error("it ran"); return nil })
		synctest.Wait()
		r.end(t)
		w.wantDead("NoColour")
	})
}

// TestTwoMessagesOfOneJob keeps the promise that a job that was queued twice
// beyond duplicate detection has one result, and that its two workers do not
// take it from each other forever.
func TestTwoMessagesOfOneJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		runs := make(chan int, 99)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			runs <- j.Attempt
			select {
			case <-time.After(30 * time.Second):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			return echo(ctx, j)
		})
		m := w.message("twice")
		w.queue.send(m, nil)
		time.Sleep(5 * time.Second)
		delete(w.queue.seen, m.MessageID())
		w.queue.send(m, nil)
		got := w.untilTerminal(m.ID)
		r.end(t)
		if got.Status != job.StatusSucceeded || len(runs) != 2 || len(w.results.names()) != 1 {
			t.Errorf("record: %+v after %d runs, results %v", got, len(runs), w.results.names())
		}
		if active, dead := w.queue.counts(); active+dead != 0 {
			t.Errorf("%d messages in the queue, %d dead", active, dead)
		}
	})
}

// TestStaleClaimIsTakenOver keeps the promise that the worker that holds the
// lock goes on when another, whose lock had ended, has slipped a claim in.
func TestStaleClaimIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			time.Sleep(30 * time.Second)
			return echo(ctx, j)
		})
		m := w.message("mine")
		w.queue.send(m, nil)
		time.Sleep(500 * time.Millisecond)
		stale := job.Claim(&m, time.Now())
		if err := w.records.Insert(t.Context(), &stale); err != nil {
			t.Fatal(err)
		}
		got := w.untilTerminal(m.ID)
		r.end(t)
		if got.Status != job.StatusSucceeded || got.Attempt != 2 || string(w.results.content(got.Result.Blob)) != "mine" {
			t.Errorf("record: %+v", got)
		}
	})
}

// TestTakeOverNeedsTheLock keeps the promise that a worker whose lock ended
// while it read the record does not take the job over.
func TestTakeOverNeedsTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.message("once")
		running := job.Claim(&m, time.Now())
		if err := w.records.Insert(t.Context(), &running); err != nil {
			t.Fatal(err)
		}
		reads := 0
		w.records.setFault(func(operation string) fault {
			if reads++; reads == 1 {
				w.queue.expireLocks()
			}
			return faultNone
		})
		w.queue.send(m, nil)
		r := w.start(echo)
		got := w.untilTerminal(m.ID)
		r.end(t)
		if got.Status != job.StatusSucceeded || got.Attempt != 2 {
			t.Errorf("record: %+v", got)
		}
	})
}
