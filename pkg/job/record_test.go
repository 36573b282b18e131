package job_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asyncreply/asyncreply/pkg/job"
)

var (
	t0 = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	t1 = t0.Add(time.Second)
	t2 = t0.Add(2 * time.Second)
)

func claimed(t *testing.T) job.Record {
	return job.Claim(&job.Message{ID: parseID(t, someID), Operation: "a", Owner: "ann", SubmittedAt: t0}, t1)
}

// Each way into the table says what is known at that moment.
func TestFirstRecords(t *testing.T) {
	id := parseID(t, someID)
	m := &job.Message{ID: id, Operation: "a", Owner: "ann", SubmittedAt: t0}
	failure := job.Failure{Code: job.CodeExpired, Message: "too late"}
	tests := []struct {
		name      string
		got, want job.Record
	}{
		{"claim", job.Claim(m, t1), job.Record{ID: id, Operation: "a", Owner: "ann", Status: job.StatusRunning,
			SubmittedAt: t0, StartedAt: t1, UpdatedAt: t1, Attempt: 1}},
		{"claim of a message without a time", job.Claim(&job.Message{ID: id}, t1), job.Record{ID: id, Status: job.StatusRunning,
			SubmittedAt: t1, StartedAt: t1, UpdatedAt: t1, Attempt: 1}},
		{"failed before any attempt", job.FailQueued(m, failure, t1), job.Record{ID: id, Operation: "a", Owner: "ann",
			Status: job.StatusFailed, SubmittedAt: t0, UpdatedAt: t1, FinishedAt: t1, Failure: &failure}},
		{"canceled before any attempt", job.CancelQueued(id, "ann", t1), job.Record{ID: id, Owner: "ann",
			Status: job.StatusCanceled, SubmittedAt: id.Time(), UpdatedAt: t1, FinishedAt: t1,
			Failure: &job.Failure{Code: job.CodeCanceled, Message: "The job was canceled by its caller."}}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// A transition gives the next record and leaves the one before as it was.
func TestTransitions(t *testing.T) {
	failure := job.Failure{Code: job.CodeHandlerFailed, Message: "no"}
	result := job.Result{Blob: "b", Size: 3}
	tests := []struct {
		name string
		do   func(job.Record) (job.Record, error)
		want func(*job.Record)
	}{
		{"heartbeat", func(r job.Record) (job.Record, error) { return r.Heartbeat(40, "half", t2) },
			func(r *job.Record) { r.Percent, r.Progress, r.UpdatedAt = 40, "half", t2 }},
		{"take-over", func(r job.Record) (job.Record, error) { return r.TakeOver(t2) },
			func(r *job.Record) { r.Attempt, r.UpdatedAt, r.Percent, r.Progress = 2, t2, 0, "" }},
		{"retry", func(r job.Record) (job.Record, error) { return r.Retry(failure, t2.Add(time.Minute), t2) },
			func(r *job.Record) {
				r.FailedAttempts, r.LastError, r.NextAttemptAt, r.UpdatedAt = 1, &failure, t2.Add(time.Minute), t2
			}},
		{"success", func(r job.Record) (job.Record, error) { return r.Succeed(result, t2) },
			func(r *job.Record) {
				r.Status, r.Result, r.Percent, r.UpdatedAt, r.FinishedAt = job.StatusSucceeded, &result, 100, t2, t2
			}},
		{"failure", func(r job.Record) (job.Record, error) { return r.Fail(failure, t2) },
			func(r *job.Record) {
				r.Status, r.Failure, r.UpdatedAt, r.FinishedAt = job.StatusFailed, &failure, t2, t2
			}},
		{"cancellation", func(r job.Record) (job.Record, error) { return r.Cancel(t2) },
			func(r *job.Record) {
				r.Status, r.UpdatedAt, r.FinishedAt = job.StatusCanceled, t2, t2
				r.Failure = &job.Failure{Code: job.CodeCanceled, Message: "The job was canceled by its caller."}
			}},
	}
	for _, test := range tests {
		before, want := claimed(t), claimed(t)
		test.want(&want)
		got, err := test.do(before)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", test.name, err, diff)
		}
		if diff := cmp.Diff(claimed(t), before); diff != "" {
			t.Errorf("%s changed the record before: %s", test.name, diff)
		}
	}
}

// A take-over after a failed attempt waits for nothing any more, and a record
// that was never started gets its start then.
func TestTakeOverOfWaitingJob(t *testing.T) {
	waiting, err := claimed(t).Retry(job.Failure{Code: "X"}, t2, t1)
	if err != nil {
		t.Fatal(err)
	}
	waiting.StartedAt = time.Time{}
	got, err := waiting.TakeOver(t2)
	if err != nil || !got.NextAttemptAt.IsZero() || !got.StartedAt.Equal(t2) || got.FailedAttempts != 1 || got.LastError == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// A redriven job is one that waits for its next attempt, whatever it was before
// unless it succeeded or was canceled; its failure becomes its last error.
func TestRedrive(t *testing.T) {
	failure := job.Failure{Code: job.CodeExpired, Message: "too late"}
	queued := job.FailQueued(&job.Message{ID: parseID(t, someID), Operation: "a", SubmittedAt: t0}, failure, t1)
	got, err := queued.Redrive(1, t2)
	want := job.Record{ID: queued.ID, Operation: "a", Status: job.StatusRunning, SubmittedAt: t0, UpdatedAt: t2,
		NextAttemptAt: t2, FailedAttempts: 1, FailedBefore: 1, RedrivenAt: t2, LastError: &failure}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	running, err := claimed(t).Redrive(3, t2)
	if err != nil || running.FailedAttempts != 3 || running.FailedBefore != 3 || running.LastError != nil || running.Attempt != 1 {
		t.Errorf("a running job: %+v, %v", running, err)
	}
	for _, end := range []string{"succeed", "cancel"} {
		ended, err := transitions[end](claimed(t), t1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ended.Redrive(1, t2); job.CodeOf(err) != job.CodeConflict {
			t.Errorf("after %s: %v", end, err)
		}
	}
}

// transitions are all that can happen to a record.
var transitions = map[string]func(job.Record, time.Time) (job.Record, error){
	"take over": job.Record.TakeOver,
	"cancel":    job.Record.Cancel,
	"heartbeat": func(r job.Record, now time.Time) (job.Record, error) { return r.Heartbeat(50, "", now) },
	"retry":     func(r job.Record, now time.Time) (job.Record, error) { return r.Retry(job.Failure{}, now, now) },
	"succeed":   func(r job.Record, now time.Time) (job.Record, error) { return r.Succeed(job.Result{}, now) },
	"fail":      func(r job.Record, now time.Time) (job.Record, error) { return r.Fail(job.Failure{}, now) },
}

// Whatever happens in whatever order, a terminal record never changes again,
// the refusal is a conflict, and a record says neither less nor more than its
// state allows.
func TestTransitionsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, now := claimed(t), t1
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"take over", "cancel", "heartbeat", "retry", "succeed", "fail"}), 1, 20).Draw(rt, "steps")
		for _, name := range names {
			now = now.Add(time.Second)
			next, err := transitions[name](r, now)
			if r.Status.Terminal() {
				if job.CodeOf(err) != job.CodeConflict || next.Status != "" {
					rt.Fatalf("%s after %s gave %q, %v", name, r.Status, next.Status, err)
				}
				continue
			}
			if err != nil {
				rt.Fatalf("%s: %v", name, err)
			}
			checkRecord(rt, r, next)
			r = next
		}
	})
}

func checkRecord(t *rapid.T, before, r job.Record) {
	terminal := r.Status.Terminal()
	switch {
	case r.Attempt < before.Attempt || r.FailedAttempts < before.FailedAttempts:
		t.Fatalf("counts went back: %+v", r)
	case terminal == r.FinishedAt.IsZero():
		t.Fatalf("%s, finished at %s", r.Status, r.FinishedAt)
	case (r.Result != nil) != (r.Status == job.StatusSucceeded):
		t.Fatalf("%s with result %v", r.Status, r.Result)
	case (r.Failure != nil) != (r.Status == job.StatusFailed || r.Status == job.StatusCanceled):
		t.Fatalf("%s with failure %v", r.Status, r.Failure)
	case terminal && !r.NextAttemptAt.IsZero():
		t.Fatalf("%s with a next attempt", r.Status)
	case !r.UpdatedAt.After(before.UpdatedAt):
		t.Fatalf("updated at %s after %s", r.UpdatedAt, before.UpdatedAt)
	}
}
