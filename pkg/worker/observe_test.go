package worker_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/worker"
)

// observations is an observer that remembers.
type observations struct {
	mu            sync.Mutex
	waited, ended []time.Duration
}

func (o *observations) Received(_ string, waited time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waited = append(o.waited, waited.Round(time.Second))
}

func (o *observations) Ended(_ string, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = append(o.ended, took.Round(time.Second))
}

// TestObserver keeps the promise that an observer is told once for each request
// how long it waited for a worker, and once for each job that ended by itself how
// long that took since its first attempt began.
func TestObserver(t *testing.T) {
	tries := 0
	for _, c := range []struct {
		name          string
		handler       worker.HandlerFunc
		delay         time.Duration // between submission and the worker's start
		waited, ended []time.Duration
	}{
		{"at once", lasting(3*time.Second, nil), 0, []time.Duration{0}, []time.Duration{3 * time.Second}},
		{"after a wait", lasting(3*time.Second, nil), time.Minute, []time.Duration{time.Minute}, []time.Duration{3 * time.Second}},
		{"failed for good", lasting(2*time.Second, worker.Permanent(errors.New("no"))), 0, []time.Duration{0}, []time.Duration{2 * time.Second}},
		{"after a retry", func(context.Context, *worker.Job) error {
			time.Sleep(2 * time.Second)
			if tries++; tries == 1 {
				return worker.RetryAfter(30*time.Second, errors.New("not yet"))
			}
			return nil
		}, 0, []time.Duration{0}, []time.Duration{34 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, seen := newWorld(t), &observations{}
				w.options.Observer = seen
				id := w.submit("")
				time.Sleep(c.delay)
				r := w.start(c.handler)
				w.untilTerminal(id)
				r.end(t)
				if !slices.Equal(seen.waited, c.waited) || !slices.Equal(seen.ended, c.ended) {
					t.Errorf("waited %v, want %v; ended %v, want %v", seen.waited, c.waited, seen.ended, c.ended)
				}
			})
		})
	}
}

func lasting(d time.Duration, err error) worker.HandlerFunc {
	return func(context.Context, *worker.Job) error {
		time.Sleep(d)
		return err
	}
}
