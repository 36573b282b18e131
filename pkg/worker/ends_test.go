package worker_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// endsBesideOneSlot is how many jobs are ended beside those that run, if one
// may run.
const endsBesideOneSlot = 64

// TestEndsBesideTheNext keeps the promise that a job whose handler has returned
// does not keep the next one from running while its end is being written, and
// that no more jobs are taken in hand than there are places for both.
func TestEndsBesideTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Concurrency = 1
		w.records.setFault(func(operation string) fault {
			if operation == "insert" {
				return faultFails
			}
			return faultNone
		})
		var runs, running, most atomic.Int32
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			runs.Add(1)
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Millisecond)
			running.Add(-1)
			return echo(ctx, j)
		})
		var ids []job.ID
		for range 100 {
			ids = append(ids, w.submit("x"))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if runs.Load() != endsBesideOneSlot+1 || most.Load() != 1 {
			t.Errorf("%d handlers have run, %d at a time", runs.Load(), most.Load())
		}
		w.records.setFault(nil)
		for _, id := range ids {
			w.untilTerminal(id)
		}
		r.end(t)
		if runs.Load() != 100 || most.Load() != 1 {
			t.Errorf("%d handlers have run, %d at a time", runs.Load(), most.Load())
		}
	})
}

// TestLargeResultsKeepTheirSlot keeps the promise that no more results stream
// to storage at a time than there are slots.
func TestLargeResultsKeepTheirSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Concurrency = 1
		w.records.setFault(func(operation string) fault {
			if operation == "insert" {
				return faultFails
			}
			return faultNone
		})
		var runs atomic.Int32
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			runs.Add(1)
			_, err := strings.NewReader(strings.Repeat("x", 1<<20)).WriteTo(j.Result("text/plain"))
			return err
		})
		first, second := w.submit("x"), w.submit("x")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d handlers have run", runs.Load())
		}
		w.records.setFault(nil)
		w.untilTerminal(first)
		w.untilTerminal(second)
		r.end(t)
	})
}
