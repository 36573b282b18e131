package worker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestSoftStop keeps the promise that handlers may finish after a stop, and
// that nothing more is received.
func TestSoftStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			time.Sleep(20 * time.Second)
			return context.Cause(ctx)
		})
		running := w.submit("")
		time.Sleep(5 * time.Second)
		began := time.Now()
		r.stop()
		synctest.Wait()
		waiting := w.submit("")
		r.end(t)
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("stopping took %v", took)
		}
		if got := w.records.now(running); got.Status != job.StatusSucceeded {
			t.Errorf("the running job: %+v", got)
		}
		if got := w.records.now(waiting); got.Status != "" {
			t.Errorf("the waiting job: %+v", got)
		}
	})
}

// TestHardStop keeps the promise that handlers that outlast the soft stop are
// canceled with their own cause, that the message goes back at once, and that
// no attempt is used up.
func TestHardStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		causes := make(chan error, 1)
		r := w.start(untilCanceled(causes))
		id := w.submit("cut short")
		time.Sleep(2 * time.Second)
		began := time.Now()
		r.end(t)
		if cause := <-causes; !errors.Is(cause, job.ErrShutdown) || time.Since(began) > worker.DefaultSoftStop+time.Second {
			t.Errorf("cause %v after %v", cause, time.Since(began))
		}
		if got := w.records.now(id); got.Status != job.StatusRunning || got.FailedAttempts != 0 || got.LastError != nil {
			t.Errorf("record: %+v", got)
		}
		if got := w.queue.settlements(); !slices.Equal(got, []string{"abandon"}) {
			t.Errorf("settlements: %v", got)
		}
		r = w.start(echo)
		if got := w.untilTerminal(id); got.Status != job.StatusSucceeded || got.Attempt != 2 {
			t.Errorf("after the next start: %+v", got)
		}
		r.end(t)
	})
}

// TestStopWithAStuckHandler keeps the promise that Run ends even when a
// handler does not, says so, and leaves the job to another worker.
func TestStopWithAStuckHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.SoftStop = -1
		release := make(chan struct{})
		r := w.start(func(context.Context, *worker.Job) error { <-release; return nil })
		w.submit("")
		time.Sleep(2 * time.Second)
		r.stop()
		err := <-r.done
		if err == nil || !strings.Contains(err.Error(), "context ended: 1") {
			t.Errorf("Run: %v", err)
		}
		if got := w.queue.settlements(); !slices.Equal(got, []string{"abandon"}) {
			t.Errorf("settlements: %v", got)
		}
		close(release)
	})
}

// goneQueue is a queue that does not exist.
type goneQueue struct{ *memQueue }

var errGone = errors.New("queue jobs does not exist")

func (goneQueue) Receive(context.Context, int) ([]*job.Delivery, error) { return nil, errGone }

// TestMissingQueueEndsRun keeps the promise that a worker with nothing to
// receive from says so.
func TestMissingQueueEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Queue = goneQueue{w.queue}
		r := w.start(echo)
		if err := <-r.done; !errors.Is(err, errGone) {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestNewNamesWhatIsMissing keeps the promise that a wrong Options is refused
// with the name of what is wrong.
func TestNewNamesWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			want string
			with func(*worker.Options)
		}{
			{"Options.Queue", func(o *worker.Options) { o.Queue = nil }},
			{"Options.Scheduler", func(o *worker.Options) { o.Scheduler = nil }},
			{"Options.Records", func(o *worker.Options) { o.Records = nil }},
			{"Options.Payloads", func(o *worker.Options) { o.Payloads = nil }},
			{"Options.Results", func(o *worker.Options) { o.Results = nil }},
			{"Options.Operations", func(o *worker.Options) { o.Operations = nil }},
			{"Options.Handlers", func(o *worker.Options) { o.Handlers = nil }},
			{"Concurrency", func(o *worker.Options) { o.Concurrency = -1 }},
			{"operation work has no handler", func(o *worker.Options) { o.Handlers = worker.NewMux() }},
		} {
			w := newWorld(t)
			w.options.Handlers = worker.NewMux()
			w.options.Handlers.HandleFunc("work", echo)
			c.with(&w.options)
			if _, err := worker.New(&w.options); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error that names %s, got %v", c.want, err)
			}
		}
	})
}
