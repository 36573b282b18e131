package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestFailures keeps the promise that whatever goes wrong for good ends in a
// failed record with its code, and in the dead-letter queue with that code as
// reason.
func TestFailures(t *testing.T) {
	permanent := errors.New("no such colour")
	for _, c := range []struct {
		name    string
		handler worker.HandlerFunc
		message func(m *job.Message) error
		code    job.Code
		text    string
		detail  string
	}{
		{name: "permanent error", code: job.CodeHandlerFailed, text: "no such colour",
			handler: func(context.Context, *worker.Job) error { return worker.Permanent(permanent) }},
		{name: "wrapped permanent error", code: job.CodeHandlerFailed, text: "no such colour",
			handler: func(context.Context, *worker.Job) error {
				return fmt.Errorf("painting: %w", worker.Permanent(permanent))
			}},
		{name: "permanent error with a code", code: "NoColour", text: "Say which.",
			handler: func(context.Context, *worker.Job) error {
				return worker.Permanent(&job.Error{Code: "NoColour", Message: "Say which.", Err: permanent})
			}},
		{name: "ready failure", code: "Backend", text: "It said no.", detail: `{"status":418}`,
			handler: func(context.Context, *worker.Job) error {
				return worker.Fail(job.Failure{Code: "Backend", Message: "It said no.", Detail: json.RawMessage(`{"status":418}`)})
			}},
		{name: "panic", code: job.CodeHandlerPanicked, text: "The operation's handler panicked.",
			handler: func(context.Context, *worker.Job) error { panic("at the disco") }},
		{name: "panic with nil dereference", code: job.CodeHandlerPanicked, text: "The operation's handler panicked.",
			handler: func(context.Context, *worker.Job) error { var j *worker.Job; j.SetFileName(""); return nil }},
		{name: "handler that ends its goroutine", code: job.CodeHandlerPanicked, text: "The operation's handler panicked.",
			handler: func(context.Context, *worker.Job) error { runtime.Goexit(); return nil }},
		{name: "second result", code: job.CodeHandlerFailed, text: "second result",
			handler: func(_ context.Context, j *worker.Job) error {
				j.Result("text/plain")
				_, err := io.WriteString(j.Result("text/plain"), "x")
				return err
			}},
		{name: "payload missing", code: job.CodePayloadMissing, text: "no longer there",
			handler: func(_ context.Context, j *worker.Job) error {
				_, err := io.ReadAll(j.Payload())
				return errors.New(err.Error()) // loses the chain
			},
			message: func(m *job.Message) error { m.Body, m.PayloadBlob, m.PayloadSize = nil, "gone", 9; return nil }},
		{name: "unknown operation", code: job.CodeUnknownOperation, text: "play", handler: echo,
			message: func(m *job.Message) error { m.Operation = "play"; return nil }},
		{name: "undecodable message", code: job.CodeInvalidMessage, text: "Attempt is not an integer", handler: echo,
			message: func(m *job.Message) error {
				return &job.Error{Code: job.CodeInvalidMessage, Message: "Attempt is not an integer"}
			}},
		{name: "deadline passed in the queue", code: job.CodeDeadlineExceeded, text: "deadline", handler: echo,
			message: func(m *job.Message) error { m.SubmittedAt = m.SubmittedAt.Add(-2 * time.Hour); return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				m := w.message("payload")
				var bad error
				if c.message != nil {
					bad = c.message(&m)
				}
				w.queue.send(m, bad)
				r := w.start(c.handler)
				got := w.untilTerminal(m.ID)
				r.end(t)
				w.wantFailure(got, c.code, c.text, c.detail)
				w.wantDead(c.code)
				if names := w.results.names(); len(names) != 0 {
					t.Errorf("results left: %v", names)
				}
			})
		})
	}
}

func (w *world) wantFailure(got job.Record, code job.Code, text, detail string) {
	w.t.Helper()
	if got.Status != job.StatusFailed || got.Failure == nil {
		w.t.Fatalf("record: %+v", got)
	}
	if got.Failure.Code != code || !strings.Contains(got.Failure.Message, text) || !strings.Contains(string(got.Failure.Detail), detail) {
		w.t.Errorf("failure %+v with detail %s, want %s, %q, %s", got.Failure, got.Failure.Detail, code, text, detail)
	}
}

// wantDead wants one message in the dead-letter queue, for the given reason.
func (w *world) wantDead(code job.Code) {
	w.t.Helper()
	active, dead := w.queue.counts()
	if active != 0 || dead != 1 {
		w.t.Fatalf("%d messages in the queue, %d dead", active, dead)
	}
	if m := w.queue.dead[0]; m.reason != string(code) || m.description == "" {
		w.t.Errorf("dead-lettered for %q: %q", m.reason, m.description)
	}
}

// TestMessageWithoutIDIsPutAside keeps the promise that a message that names
// no job goes to the dead-letter queue and hurts nobody.
func TestMessageWithoutIDIsPutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.queue.send(job.Message{}, &job.Error{Code: job.CodeInvalidMessage, Message: "application property RequestGUID is missing"})
		r := w.start(echo)
		good := w.submit("good")
		if got := w.untilTerminal(good); got.Status != job.StatusSucceeded {
			t.Errorf("record: %+v", got)
		}
		r.end(t)
		w.wantDead(job.CodeInvalidMessage)
	})
}

// TestForgedMessageLeavesARunningJobAlone keeps the promise that a message
// that cannot be understood, or asks for another operation, does not end the
// job whose id it bears.
func TestForgedMessageLeavesARunningJobAlone(t *testing.T) {
	for operation, err := range map[string]error{
		"work":    &job.Error{Code: job.CodeInvalidMessage, Message: "what?"},
		"no such": nil,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			r := w.start(func(context.Context, *worker.Job) error { time.Sleep(time.Minute); return nil })
			m := w.message("")
			w.queue.send(m, nil)
			time.Sleep(2 * time.Second)
			m.Attempt = 7 // another MessageID
			m.Operation = operation
			w.queue.send(m, err)
			if got := w.untilTerminal(m.ID); got.Status != job.StatusSucceeded || got.Attempt != 1 {
				t.Errorf("operation %q: record: %+v", operation, got)
			}
			r.end(t)
			w.wantDead(job.CodeInvalidMessage)
		})
	}
}

// TestRetryThenSuccess keeps the promise that a retryable error leads to
// another try after the backoff, visible to the caller, by a copy of the
// message.
func TestRetryThenSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if j.Attempt == 1 {
				return errors.New("the backend hiccuped")
			}
			return echo(ctx, j)
		})
		id := w.submit("again")
		waiting := w.until(id, "waiting", func(r job.Record) bool { return !r.NextAttemptAt.IsZero() })
		if wait := waiting.NextAttemptAt.Sub(waiting.UpdatedAt); wait < 5*time.Second || wait > 10*time.Second {
			t.Errorf("the next attempt is due in %v", wait)
		}
		if waiting.Status != job.StatusRunning || waiting.FailedAttempts != 1 || waiting.LastError.Message != "the backend hiccuped" {
			t.Errorf("waiting: %+v", waiting)
		}
		got := w.untilTerminal(id)
		r.end(t)
		if got.Status != job.StatusSucceeded || got.Attempt != 2 || got.FailedAttempts != 1 || !got.NextAttemptAt.IsZero() {
			t.Errorf("record: %+v", got)
		}
		if late := got.FinishedAt.Sub(waiting.NextAttemptAt); late < 0 || late > time.Second {
			t.Errorf("the second attempt came %v after its time", late)
		}
	})
}

// TestRetryAfterIsHonoured keeps the promise that a job is not tried again
// sooner than its handler asked.
func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var starts []time.Time
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if starts = append(starts, time.Now()); len(starts) == 1 {
				return worker.RetryAfter(45*time.Second, errors.New("busy"))
			}
			return nil
		})
		w.untilTerminal(w.submit(""))
		r.end(t)
		if gap := starts[1].Sub(starts[0]); gap < 45*time.Second || gap > time.Minute {
			t.Errorf("tried again after %v", gap)
		}
	})
}

// TestAttemptsExhausted keeps the promise that a job that fails each time
// fails for good after its attempts, with the last error in the detail; a
// time-out keeps its own code.
func TestAttemptsExhausted(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler worker.HandlerFunc
		code    job.Code
		detail  string
	}{
		{"errors", func(context.Context, *worker.Job) error { return errors.New("always so") }, job.CodeAttemptsExhausted, "always so"},
		{"time-outs", untilCanceled(make(chan error, 9)), job.CodeAttemptTimeout, string(job.CodeAttemptTimeout)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				r := w.start(c.handler)
				got := w.untilTerminal(w.submit(""))
				r.end(t)
				w.wantFailure(got, c.code, "3 attempts", c.detail)
				w.wantDead(c.code)
				if got.Attempt != 3 || got.FailedAttempts != 2 {
					t.Errorf("record: %+v", got)
				}
			})
		})
	}
}

// TestTimeLimits keeps the promise that an attempt that takes too long, and a
// job past its deadline, are canceled with their own cause.
func TestTimeLimits(t *testing.T) {
	for _, c := range []struct {
		name, limits string
		cause        error
		code         job.Code
	}{
		{"attempt", "{attemptTimeout: 7s, retry: {attempts: 1}, processor: {go: work}}", job.ErrAttemptTimeout, job.CodeAttemptTimeout},
		{"job", "{attemptTimeout: 1h, deadline: 7s, processor: {go: work}}", job.ErrDeadline, job.CodeDeadlineExceeded},
		{"next attempt past the deadline", "{attemptTimeout: 5s, deadline: 7s, retry: {backoff: 1m, maxBackoff: 1m}, processor: {go: work}}",
			job.ErrAttemptTimeout, job.CodeDeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.options.Operations = operations(t, "operations: {work: "+c.limits+"}")
				causes := make(chan error, 1)
				r := w.start(untilCanceled(causes))
				began := time.Now()
				got := w.untilTerminal(w.submit(""))
				r.end(t)
				if cause := <-causes; !errors.Is(cause, c.cause) {
					t.Errorf("cause %v", cause)
				}
				if took := got.FinishedAt.Sub(began); took > 8*time.Second {
					t.Errorf("took %v", took)
				}
				w.wantFailure(got, c.code, "", "")
			})
		})
	}
}

// TestHandlerThatIgnoresItsContext keeps the promise that a handler that does
// not stop holds up neither its job's end nor other jobs.
func TestHandlerThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Operations = operations(t, "operations: {work: {attemptTimeout: 5s, retry: {attempts: 1}, processor: {go: work}}}")
		release := make(chan struct{})
		late := make(chan error, 1)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if j.Size == 0 {
				return nil
			}
			out := j.Result("text/plain")
			<-release
			_, err := io.WriteString(out, "late")
			late <- err
			return nil
		})
		got := w.untilTerminal(w.submit("stuck"))
		w.wantFailure(got, job.CodeAttemptTimeout, "", "")
		if got := w.untilTerminal(w.submit("")); got.Status != job.StatusSucceeded {
			t.Errorf("the next job: %+v", got)
		}
		close(release)
		if err := <-late; err == nil {
			t.Error("a write after the end was taken")
		}
		r.end(t)
	})
}
