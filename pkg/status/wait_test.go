package status_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/status"
)

// watched tells when the service looked at a record, so that tests know that
// somebody waits without waiting themselves.
type watched struct {
	status.Records
	looks chan struct{}
}

func watch(looks chan struct{}) func(*status.Options) {
	return func(o *status.Options) { o.Records = &watched{Records: o.Records, looks: looks} }
}

func (w *watched) Get(ctx context.Context, id job.ID) (job.Record, error) {
	r, err := w.Records.Get(ctx, id)
	select {
	case w.looks <- struct{}{}:
	default:
	}
	return r, err
}

// begin sends a request in the background and returns when the service has
// looked at the job twice: then it waits.
func (f *fixture) begin(looks <-chan struct{}, target string, headers ...string) <-chan answer {
	f.t.Helper()
	done := make(chan answer, 1)
	go func() { done <- f.do(http.MethodGet, target, headers...) }()
	for range 2 {
		select {
		case <-looks:
		case <-time.After(10 * time.Second):
			f.t.Fatal("the service does not look at the job")
		}
	}
	return done
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// TestWaiting states that one who asks to wait is answered as soon as the job
// has ended, whichever resource and whichever way of asking it is.
func TestWaiting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, suffix string
		headers      []string
		applied      string
		monitor      bool
		want         int
	}{
		{"Prefer", "", []string{"Prefer", "wait=30"}, "wait=30", false, 302},
		{"Prefer over the cap, among others", "", []string{"Prefer", `respond-async, Wait="3600"; x=1`}, "wait=60", false, 302},
		{"onPending", "?onPending=synchronous", nil, "", false, 302},
		{"onPending with Prefer", "?onPending=Synchronous&onComplete=json", []string{"Prefer", "wait=40"}, "wait=40", false, 200},
		{"result", "/result?onComplete=stream", []string{"Prefer", "wait=30"}, "wait=30", false, 200},
		{"monitor", "", []string{"Prefer", "wait=30"}, "wait=30", true, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			looks := make(chan struct{})
			f := newFixture(t, watch(looks))
			id := f.issue(0)
			path := statusPath(id)
			if c.monitor {
				path = operationPath(id)
			}
			done := f.begin(looks, path+c.suffix, c.headers...)
			f.succeed(f.run(id), "x", "text/plain", "")
			a := receive(t, done)
			a.wantStatus(t, c.want)
			a.wantHeader(t, "Preference-Applied", c.applied)
			a.wantHeader(t, "Retry-After", "")
		})
	}
}

// TestWaitIsOver states that one who waited in vain is told how the job
// stands, and that no time is lost on what cannot change or is not asked for.
func TestWaitIsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.issue(0)
	start := time.Now()
	a := f.get(statusPath(id), "Prefer", "wait=1")
	if took := time.Since(start); took < time.Second {
		t.Errorf("held for %v", took)
	}
	a.wantStatus(t, http.StatusAccepted)
	a.wantHeader(t, "Preference-Applied", "wait=1")

	start = time.Now()
	for _, prefer := range []string{"wait=0", "wait=soon", "wait", "respond-async", "wait=-1", "handling=lenient", "wait=99999999999999999999"} {
		a := f.get(statusPath(id), "Prefer", prefer)
		a.wantStatus(t, http.StatusAccepted)
		a.wantHeader(t, "Preference-Applied", "")
	}
	f.get(statusPath(foreignID()), "Prefer", "wait=30").wantStatus(t, http.StatusNotFound)
	f.get(statusPath(f.issue(25*time.Hour)), "Prefer", "wait=30").wantStatus(t, http.StatusUnprocessableEntity)
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestWaitForAChange states that one who says by If-None-Match what it knows
// is answered as soon as there is progress.
func TestWaitForAChange(t *testing.T) {
	t.Parallel()
	looks := make(chan struct{})
	f := newFixture(t, watch(looks))
	r := f.run(f.issue(0))
	known := f.get(statusPath(r.ID)).Header.Get("Etag")
	done := f.begin(looks, statusPath(r.ID), "Prefer", "wait=30", "If-None-Match", known)
	f.update(r.Heartbeat(50, "", time.Now()))
	a := receive(t, done)
	a.wantStatus(t, http.StatusAccepted)
	wantMembers(t, a.json(t), map[string]any{"percentComplete": 50.0})
}

// TestWaitWithADigest states that one who knows an earlier result, and not the
// state of the job, waits like any other.
func TestWaitWithADigest(t *testing.T) {
	t.Parallel()
	looks := make(chan struct{})
	f := newFixture(t, watch(looks))
	id := f.issue(0)
	done := f.begin(looks, statusPath(id)+"?onComplete=stream", "Prefer", "wait=30", "If-None-Match", `"0123abcd"`)
	f.succeed(f.run(id), "x", "text/plain", "")
	receive(t, done).wantStatus(t, http.StatusOK)
}

// TestTooManyWait states that beyond the limit nobody is held: polls are
// answered at once, listeners told to poll, and a place that gets free is
// given to the next.
func TestTooManyWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *status.Options) { o.MaxWaiters = 1 })
	r := f.run(f.issue(0))
	l := f.listen(r.ID)
	l.next()

	a := f.get(statusPath(f.issue(0)), "Prefer", "wait=60")
	a.wantStatus(t, http.StatusAccepted)
	a.wantHeader(t, "Preference-Applied", "")
	refused := f.get(statusPath(r.ID) + "/events")
	refused.wantStatus(t, http.StatusServiceUnavailable)
	refused.wantHeader(t, "X-Ms-Error-Code", "ServerBusy")

	f.update(r.Cancel(time.Now()))
	l.ended()
	deadline := time.Now().Add(10 * time.Second)
	for f.get(statusPath(r.ID)+"/events").StatusCode != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("the place is not given to the next")
		}
	}
}

// TestCloseEndsWaiting states that a server that shuts down need not wait for
// those who wait: they are told how the job stands.
func TestCloseEndsWaiting(t *testing.T) {
	t.Parallel()
	looks := make(chan struct{})
	f := newFixture(t, watch(looks))
	done := f.begin(looks, statusPath(f.issue(0)), "Prefer", "wait=60")
	f.service.Close()
	receive(t, done).wantStatus(t, http.StatusAccepted)
}

// failing is a store that fails as often as it is told to.
type failing struct {
	status.Records
	failures chan error
}

func (s *failing) Get(ctx context.Context, id job.ID) (job.Record, error) {
	select {
	case err := <-s.failures:
		return job.Record{}, err
	default:
		return s.Records.Get(ctx, id)
	}
}

// TestStoreFailsWhileWaiting states that a store that is busy for a while does
// not end a wait, and that a plain poll of it is told to come again.
func TestStoreFailsWhileWaiting(t *testing.T) {
	t.Parallel()
	looks, failures := make(chan struct{}), make(chan error, 1)
	f := newFixture(t, func(o *status.Options) {
		o.Records = &watched{Records: &failing{Records: o.Records, failures: failures}, looks: looks}
	})
	id := f.issue(0)
	done := f.begin(looks, statusPath(id), "Prefer", "wait=30")
	failures <- job.ErrBusy
	receive(t, looks)
	receive(t, looks) // this look began after the failure was ordered
	f.succeed(f.run(id), "x", "text/plain", "")
	receive(t, done).wantStatus(t, http.StatusFound)

	failures <- job.ErrBusy
	busy := f.get(statusPath(f.issue(0)))
	busy.wantStatus(t, http.StatusServiceUnavailable)
	if busy.Header.Get("Retry-After") == "" {
		t.Error("busy without Retry-After")
	}
}

// TestEntityTags states that a status that a caller knows is not sent again,
// and that each change and each state has a tag of its own.
func TestEntityTags(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	r := f.run(f.issue(0))
	seen := map[string]bool{}
	for _, path := range []string{statusPath(r.ID), operationPath(r.ID)} {
		a := f.get(path)
		tag := a.Header.Get("Etag")
		seen[tag] = true
		again := f.get(path, "If-None-Match", `"other", `+tag)
		again.wantStatus(t, http.StatusNotModified)
		again.wantHeader(t, "Retry-After", "1")
		again.wantHeader(t, "Etag", tag)
		f.get(path, "If-None-Match", `"other"`).wantStatus(t, a.StatusCode)
	}
	f.do(http.MethodDelete, statusPath(r.ID)).wantStatus(t, http.StatusAccepted)
	seen[f.get(operationPath(r.ID)).Header.Get("Etag")] = true
	seen[f.get(operationPath(f.issue(0))).Header.Get("Etag")] = true
	if len(seen) != 3 || seen[""] {
		t.Errorf("tags = %v", seen)
	}
	f.get(statusPath(r.ID), "If-None-Match", "*").wantStatus(t, http.StatusConflict)
}
