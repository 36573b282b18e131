package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// absentRecords says of every job that it was seen to have no record.
type absentRecords struct{ *memRecords }

func (absentRecords) Absent(job.ID, time.Duration) bool { return true }

var _ worker.AbsenceKeeper = absentRecords{}

// TestNewJobsAreNotRead keeps the promise that a first delivery of a job that
// is known to be new costs no read, and that any other delivery does, so that
// no handler runs for a job that has ended.
func TestNewJobsAreNotRead(t *testing.T) {
	for _, test := range []struct {
		name       string
		attempt    int
		deliveries int // before the one that is judged
		reads      bool
	}{
		{"first delivery", 1, 0, false},
		{"delivered again", 1, 1, true},
		{"retry copy", 2, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.options.Records = absentRecords{w.records}
				m := w.message("x")
				m.Attempt = test.attempt
				w.queue.send(m, nil)
				for range test.deliveries {
					if _, err := w.queue.Receive(t.Context(), 1); err != nil {
						t.Fatal(err)
					}
					w.queue.expireLocks()
				}
				if test.reads {
					ended := job.CancelQueued(m.ID, "", time.Now().UTC())
					if err := w.records.Insert(t.Context(), &ended); err != nil {
						t.Fatal(err)
					}
				}
				var runs atomic.Int32
				r := w.start(func(ctx context.Context, j *worker.Job) error {
					runs.Add(1)
					return echo(ctx, j)
				})
				w.untilTerminal(m.ID)
				r.end(t)
				if reads := w.records.readCount() > 0; reads != test.reads {
					t.Errorf("was the record read? %t", reads)
				}
				if ran := runs.Load() > 0; ran == test.reads {
					t.Errorf("did the handler run? %t", ran)
				}
			})
		})
	}
}
