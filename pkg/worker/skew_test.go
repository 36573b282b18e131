package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestLocksOfAnotherClock keeps the promise that a job that runs for longer than
// a lock keeps it, also through a short outage of the broker, whatever the
// broker's clock says: it runs once.
func TestLocksOfAnotherClock(t *testing.T) {
	for _, skew := range []time.Duration{
		-10 * time.Minute, -time.Minute, -50 * time.Second, -30 * time.Second, 0, 30 * time.Second, time.Minute, 10 * time.Minute,
	} {
		for _, lock := range []time.Duration{30 * time.Second, time.Minute, 5 * time.Minute} {
			t.Run(fmt.Sprintf("broker %v ahead, lock %v", skew, lock), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					w.queue.lockTime, w.queue.skew = lock, skew
					var runs atomic.Int32
					r := w.start(func(ctx context.Context, j *worker.Job) error {
						runs.Add(1)
						select {
						case <-time.After(9 * time.Minute):
							return nil
						case <-ctx.Done():
							return context.Cause(ctx)
						}
					})
					id := w.submit("")
					for range 4 {
						time.Sleep(100 * time.Second)
						w.queue.setFault(func(operation string) error {
							if operation == "renew" {
								return errOutage
							}
							return nil
						})
						time.Sleep(7 * time.Second)
						w.queue.setFault(nil)
					}
					if got := w.untilTerminal(id); got.Status != job.StatusSucceeded || got.Attempt != 1 || runs.Load() != 1 {
						t.Errorf("after %d runs: %+v", runs.Load(), got)
					}
					r.end(t)
				})
			})
		}
	}
}

// TestIDsOfAnotherClock keeps the promise that a job whose id and submission
// come from a machine whose clock is ten minutes off is done like any other, and
// lies under its id's own day.
func TestIDsOfAnotherClock(t *testing.T) {
	for _, skew := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
			if err != nil {
				t.Fatal(err)
			}
			w.issuer = job.NewIssuer(ring, func() time.Time { return time.Now().Add(skew) })
			tries := 0
			r := w.start(func(ctx context.Context, j *worker.Job) error {
				if tries++; tries == 1 {
					return errors.New("not yet")
				}
				return echo(ctx, j)
			})
			m := w.message("x")
			m.SubmittedAt = m.ID.Time()
			w.queue.send(m, nil)
			if got := w.untilTerminal(m.ID); got.Status != job.StatusSucceeded || got.Attempt != 2 {
				t.Errorf("%v ahead: %+v", skew, got)
			}
			r.end(t)
		})
	}
}

// TestTimeOfStorage keeps the promise that a worker whose clock is ten minutes
// off does as one whose clock is right, if it is told the time of queue and
// storage: the shortest locks there are stand, and a retry is neither late nor
// early.
func TestTimeOfStorage(t *testing.T) {
	for _, skew := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.queue.lockTime, w.queue.skew = 5*time.Second, skew
			w.options.Now = func() time.Time { return time.Now().Add(skew) }
			var began []time.Time
			r := w.start(func(ctx context.Context, j *worker.Job) error {
				if began = append(began, time.Now()); len(began) == 1 {
					return errors.New("not yet")
				}
				select {
				case <-time.After(time.Minute):
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
			if got := w.untilTerminal(w.submit("")); got.Status != job.StatusSucceeded || got.Attempt != 2 || len(began) != 2 {
				t.Fatalf("broker %v ahead: after %d runs: %+v", skew, len(began), got)
			}
			if pause := began[1].Sub(began[0]); pause < 100*time.Millisecond || pause > time.Minute {
				t.Errorf("broker %v ahead: tried again after %v", skew, pause)
			}
			r.end(t)
		})
	}
}
