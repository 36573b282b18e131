package status_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/status"
)

// TestCancel states what a cancel leaves behind: a canceled record, that every
// resource tells of at once and that a second cancel does not change.
func TestCancel(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for name, id := range map[string]job.ID{
		"queued":              f.issue(0),
		"running":             f.update(f.run(f.issue(0)).Heartbeat(30, "", time.Now())).ID,
		"of another program":  f.run(foreignID()).ID,
		"waiting for a retry": f.waiting().ID,
	} {
		t.Run(name, func(t *testing.T) {
			f := f.with(t)
			f.get(statusPath(id)).wantStatus(t, http.StatusAccepted) // what is remembered must not last

			first := f.do(http.MethodDelete, statusPath(id))
			first.wantStatus(t, http.StatusAccepted)
			first.wantHeader(t, "Location", f.base+statusPath(id))
			wantMembers(t, first.json(t), map[string]any{"id": id.String(), "status": "Canceled", "retryAfter": nil})

			f.get(statusPath(id)).wantStatus(t, http.StatusConflict)
			wantMembers(t, f.get(operationPath(id)).json(t), map[string]any{"status": "Canceled"})
			second := f.do(http.MethodDelete, statusPath(id))
			second.wantStatus(t, http.StatusOK)
			wantMembers(t, second.json(t), map[string]any{"status": "Canceled"})

			stored, err := f.store.Get(t.Context(), id)
			if err != nil || stored.Status != job.StatusCanceled || !stored.NextAttemptAt.IsZero() {
				t.Errorf("stored = %+v, %v", stored, err)
			}
		})
	}
}

// TestCancelOfAnEndedJob states that a cancel that comes too late changes
// nothing and tells how the job ended.
func TestCancelOfAnEndedJob(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	r := f.succeed(f.run(f.issue(0)), "x", "text/plain", "")
	late := f.do(http.MethodDelete, statusPath(r.ID))
	late.wantStatus(t, http.StatusOK)
	wantMembers(t, late.json(t), map[string]any{"status": "Succeeded", "resultUrl": f.base + statusPath(r.ID) + "/result"})
	f.get(statusPath(r.ID)).wantStatus(t, http.StatusFound)

	expired := f.do(http.MethodDelete, statusPath(f.issue(25*time.Hour)))
	expired.wantStatus(t, http.StatusOK)
	wantMembers(t, expired.json(t), map[string]any{"status": "Failed"})
}

// racing lets a worker write the record just before the service does, losses
// times.
type racing struct {
	status.Records
	losses int
	worker func()
}

func (r *racing) lose() {
	if r.losses > 0 {
		r.losses--
		r.worker()
	}
}

func (r *racing) Insert(ctx context.Context, record *job.Record) error {
	r.lose()
	return r.Records.Insert(ctx, record)
}

func (r *racing) Update(ctx context.Context, record *job.Record) error {
	r.lose()
	return r.Records.Update(ctx, record)
}

// TestCancelRaces states that of a cancel and a worker that write at the same
// time one wins, and that the answer tells which.
func TestCancelRaces(t *testing.T) {
	t.Parallel()
	var race *racing
	f := newFixture(t, func(o *status.Options) {
		race = &racing{Records: o.Records}
		o.Records = race
	})
	heartbeat := func(id job.ID) {
		r, err := f.store.Get(context.Background(), id)
		if err == nil {
			r, err = r.Heartbeat(50, "", time.Now())
		}
		if err = errors.Join(err, f.store.Update(context.Background(), &r)); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		name   string
		id     func(f *fixture) job.ID
		worker func(id job.ID)
		losses int
		want   int
		status any
	}{
		{"claimed meanwhile", func(f *fixture) job.ID { return f.issue(0) }, func(id job.ID) { f.run(id) }, 1, 202, "Canceled"},
		{"reported on meanwhile", func(f *fixture) job.ID { return f.run(f.issue(0)).ID }, heartbeat, 1, 202, "Canceled"},
		{"ended meanwhile", func(f *fixture) job.ID { return f.issue(0) }, func(id job.ID) {
			f.insert(job.FailQueued(message(id), job.Failure{Code: "Quick"}, time.Now()))
		}, 1, 200, "Failed"},
		{"written again and again", func(f *fixture) job.ID { return f.run(f.issue(0)).ID }, heartbeat, 1000, 503, 503.0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.with(t)
			id := c.id(f)
			race.losses, race.worker = c.losses, func() { c.worker(id) }
			a := f.do(http.MethodDelete, statusPath(id))
			race.losses = 0
			a.wantStatus(t, c.want)
			wantMembers(t, a.json(t), map[string]any{"status": c.status})
		})
	}
}

// TestManyCancelsHaveOneWinner states that of many who cancel a job at once
// one is told 202 and all are told the same end.
func TestManyCancelsHaveOneWinner(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, id := range []job.ID{f.issue(0), f.run(f.issue(0)).ID} {
		const callers = 8
		answers := make([]answer, callers)
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() { answers[i] = f.do(http.MethodDelete, statusPath(id)) })
		}
		group.Wait()
		accepted := 0
		for _, a := range answers {
			if a.StatusCode == http.StatusAccepted {
				accepted++
			}
			wantMembers(t, a.json(t), map[string]any{"status": "Canceled"})
		}
		if accepted != 1 {
			t.Errorf("%d cancels were accepted", accepted)
		}
	}
}
