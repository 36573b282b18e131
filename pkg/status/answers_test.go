package status_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// states makes a job in each state that a caller can meet, and gives the
// statuses that the resources answer with.
var states = []struct {
	name string
	make func(f *fixture) string // the id in the path

	poll, stream, asJSON, result, monitor, cancel int

	code string // of the problem that poll is, or ""
}{
	{
		name: "queued", make: func(f *fixture) string { return f.issue(0).String() },
		poll: 202, stream: 202, asJSON: 202, result: 409, monitor: 200, cancel: 202,
	}, {
		name: "running", make: func(f *fixture) string { return f.run(f.issue(0)).ID.String() },
		poll: 202, stream: 202, asJSON: 202, result: 409, monitor: 200, cancel: 202,
	}, {
		name: "waiting for its next attempt", make: func(f *fixture) string { return f.waiting().ID.String() },
		poll: 202, stream: 202, asJSON: 202, result: 409, monitor: 200, cancel: 202,
	}, {
		name: "succeeded", make: func(f *fixture) string {
			return f.succeed(f.run(f.issue(0)), "bytes", "text/plain", "").ID.String()
		},
		poll: 302, stream: 200, asJSON: 200, result: 302, monitor: 200, cancel: 200,
	}, {
		name: "failed", make: func(f *fixture) string {
			return f.update(f.run(f.issue(0)).Fail(job.Failure{Code: "TooBlurred", Message: "Take it again."}, time.Now())).ID.String()
		},
		poll: 422, stream: 422, asJSON: 422, result: 422, monitor: 200, cancel: 200, code: "TooBlurred",
	}, {
		name: "failed with a code that would have pollers go on", make: func(f *fixture) string {
			return f.update(f.run(f.issue(0)).Fail(job.Failure{Code: job.CodeServerBusy, Message: "Later."}, time.Now())).ID.String()
		},
		poll: 422, stream: 422, asJSON: 422, result: 422, monitor: 200, cancel: 200, code: "ServerBusy",
	}, {
		name: "canceled", make: func(f *fixture) string {
			return f.update(f.run(f.issue(0)).Cancel(time.Now())).ID.String()
		},
		poll: 409, stream: 409, asJSON: 409, result: 409, monitor: 200, cancel: 200, code: "Canceled",
	}, {
		name: "canceled while queued", make: func(f *fixture) string {
			return f.insert(job.CancelQueued(f.issue(0), "", time.Now())).ID.String()
		},
		poll: 409, stream: 409, asJSON: 409, result: 409, monitor: 200, cancel: 200, code: "Canceled",
	}, {
		name: "still queued when its queue timeout has just passed", make: func(f *fixture) string { return f.issue(24*time.Hour + time.Minute).String() },
		poll: 202, stream: 202, asJSON: 202, result: 409, monitor: 200, cancel: 202,
	}, {
		name: "without a record after the longest queue timeout", make: func(f *fixture) string { return f.issue(25 * time.Hour).String() },
		poll: 422, stream: 422, asJSON: 422, result: 422, monitor: 200, cancel: 200, code: "Expired",
	}, {
		name: "past retention", make: func(f *fixture) string { return f.issue(7*24*time.Hour + time.Minute).String() },
		poll: 410, stream: 410, asJSON: 410, result: 410, monitor: 410, cancel: 410, code: "Gone",
	}, {
		name: "issued by a clock ahead of ours", make: func(f *fixture) string { return f.issue(-10 * time.Minute).String() },
		poll: 202, stream: 202, asJSON: 202, result: 409, monitor: 200, cancel: 202,
	}, {
		name: "never was", make: func(f *fixture) string { return foreignID().String() },
		poll: 404, stream: 404, asJSON: 404, result: 404, monitor: 404, cancel: 404, code: "NotFound",
	}, {
		name: "forged", make: func(f *fixture) string {
			id := f.issue(0)
			id[15] ^= 1
			return id.String()
		},
		poll: 404, stream: 404, asJSON: 404, result: 404, monitor: 404, cancel: 404, code: "NotFound",
	}, {
		name: "forged and old", make: func(f *fixture) string {
			id := f.issue(30 * 24 * time.Hour)
			id[15] ^= 1
			return id.String()
		},
		poll: 404, stream: 404, asJSON: 404, result: 404, monitor: 404, cancel: 404, code: "NotFound",
	}, {
		name: "put into the queue by another program", make: func(f *fixture) string { return f.run(foreignID()).ID.String() },
		poll: 202, stream: 202, asJSON: 202, result: 409, monitor: 200, cancel: 202,
	}, {
		name: "put into the queue by another program and ended before retention", make: func(f *fixture) string {
			return f.insert(job.FailQueued(message(foreignID()), job.Failure{Code: "Old"}, time.Now().Add(-8*24*time.Hour))).ID.String()
		},
		poll: 410, stream: 410, asJSON: 410, result: 410, monitor: 410, cancel: 410, code: "Gone",
	}, {
		name: "owned by somebody else", make: func(f *fixture) string {
			m := message(foreignID())
			m.Owner = "somebody else"
			return f.insert(job.Claim(m, time.Now())).ID.String()
		},
		poll: 404, stream: 404, asJSON: 404, result: 404, monitor: 404, cancel: 404, code: "NotFound",
	}, {
		name: "in upper case", make: func(f *fixture) string { return strings.ToUpper(f.run(f.issue(0)).ID.String()) },
		poll: 202, stream: 202, asJSON: 202, result: 409, monitor: 200, cancel: 202,
	}, {
		name: "not a GUID", make: func(*fixture) string { return "42" },
		poll: 400, stream: 400, asJSON: 400, result: 400, monitor: 400, cancel: 400, code: "InvalidRequestGuid",
	},
}

// waiting stores a job whose first attempt failed and whose second is due in
// a minute.
func (f *fixture) waiting() job.Record {
	f.t.Helper()
	failure := job.Failure{Code: "Unavailable", Message: "The backend is down.", Detail: []byte(`{"port":80}`)}
	return f.update(f.run(f.issue(0)).Retry(failure, time.Now().Add(time.Minute), time.Now()))
}

// TestAnswersByState keeps the table of answers in the design: every state
// with every way to ask, by GET and by HEAD, none of them to be stored.
func TestAnswersByState(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			f := f.with(t)
			id := state.make(f)
			for _, ask := range []struct {
				path string
				want int
			}{
				{"/api/RequestStatus/" + id, state.poll},
				{"/api/RequestStatus/" + id + "?onComplete=Redirect&onPending=accepted", state.poll},
				{"/api/RequestStatus/" + id + "?onComplete=stream", state.stream},
				{"/api/RequestStatus/" + id + "?OnComplete=JSON", state.asJSON},
				{"/api/RequestStatus/" + id + "/result", state.result},
				{"/api/RequestStatus/" + id + "/result?onComplete=stream", strictly(state.result, state.stream)},
				{"/api/operations/" + id, state.monitor},
			} {
				checkAnswer(t, f.get(ask.path), ask.want)
				checkAnswer(t, f.do(http.MethodHead, ask.path), ask.want)
			}
			poll := f.get("/api/RequestStatus/" + id)
			poll.wantHeader(t, "X-Ms-Error-Code", state.code)
			checkAnswer(t, f.do(http.MethodDelete, "/api/RequestStatus/"+id), state.cancel)
		})
	}
}

// strictly gives what the result resource answers when asked for a stream.
func strictly(result, stream int) int {
	if result == http.StatusFound {
		return stream
	}
	return result
}

func checkAnswer(t *testing.T, a answer, want int) {
	t.Helper()
	a.wantStatus(t, want)
	a.wantHeader(t, "Cache-Control", "no-store")
	if want >= 400 {
		a.wantHeader(t, "Content-Type", "application/problem+json")
		if a.Header.Get("X-Ms-Error-Code") == "" {
			t.Error("a problem without x-ms-error-code")
		}
	}
	pending := want == http.StatusAccepted && a.Request.Method != http.MethodDelete
	if pending && a.Header.Get("Retry-After") == "" {
		t.Error("pending without Retry-After")
	}
}

// TestPendingAnswers says what a caller learns while it waits.
func TestPendingAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)

	t.Run("queued", func(t *testing.T) {
		f := f.with(t)
		id := f.issue(0)
		a := f.get(statusPath(id))
		a.wantHeader(t, "Location", f.base+statusPath(id))
		a.wantHeader(t, "Retry-After", "1")
		wantMembers(t, a.json(t), map[string]any{
			"id": id.String(), "status": "Accepted", "percentComplete": 0.0, "attempt": 0.0, "retryAfter": 1.0,
			"submittedAt": id.Time().Format(time.RFC3339Nano), "statusUrl": f.base + statusPath(id),
			"operationUrl": f.base + operationPath(id), "resultUrl": nil, "startedAt": nil, "error": nil,
		})
	})
	t.Run("running", func(t *testing.T) {
		f := f.with(t)
		r := f.update(f.run(f.issue(0)).Heartbeat(41.6666, "halfway, nearly", time.Now()))
		wantMembers(t, f.get(statusPath(r.ID)).json(t), map[string]any{
			"status": "Running", "operation": "thumbnail", "percentComplete": 41.67, "message": "halfway, nearly", "attempt": 1.0,
			"submittedAt": r.SubmittedAt.Format(time.RFC3339Nano), "lastError": nil, "nextAttemptAt": nil,
		})
	})
	t.Run("waiting for its next attempt", func(t *testing.T) {
		f := f.with(t)
		r := f.waiting()
		a := f.get(statusPath(r.ID))
		a.wantHeader(t, "Retry-After", "60")
		body := a.json(t)
		if body["nextAttemptAt"] == nil {
			t.Error("no nextAttemptAt")
		}
		lastError, _ := body["lastError"].(map[string]any)
		wantMembers(t, lastError, map[string]any{"code": "Unavailable", "message": "The backend is down."})
		if detail, _ := lastError["detail"].(map[string]any); detail["port"] != 80.0 {
			t.Errorf("lastError.detail = %v", lastError["detail"])
		}
	})
	t.Run("the result of a pending job", func(t *testing.T) {
		f := f.with(t)
		a := f.get(statusPath(f.issue(0)) + "/result")
		a.wantHeader(t, "Retry-After", "1")
		a.wantHeader(t, "X-Ms-Error-Code", "NotFinished")
	})
}

// TestFailedProblem states that a failed job says why: in the members of a
// problem and, for Azure's clients, in an error object.
func TestFailedProblem(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	failure := job.Failure{Code: "TooBlurred", Message: "Take it again.", Detail: []byte(`{"sharpness":0.1}`)}
	r := f.update(f.run(f.issue(0)).Fail(failure, time.Now()))
	problem := f.get(statusPath(r.ID)).json(t)
	wantMembers(t, problem, map[string]any{
		"status": 422.0, "code": "TooBlurred", "detail": "Take it again.", "requestGuid": r.ID.String(),
		"instance": statusPath(r.ID), "attempt": 1.0, "submittedAt": r.SubmittedAt.Format(time.RFC3339Nano),
	})
	inner, _ := problem["error"].(map[string]any)
	wantMembers(t, inner, map[string]any{"code": "TooBlurred", "message": "Take it again."})
	if detail, _ := inner["detail"].(map[string]any); detail["sharpness"] != 0.1 {
		t.Errorf("error.detail = %v", inner["detail"])
	}
}

// TestUnknownVariants states that a misspelt choice is refused and named, not
// ignored.
func TestUnknownVariants(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	id := f.issue(0)
	for query, name := range map[string]string{
		"?onComplete=streaming":                      "onComplete",
		"?onPending=never":                           "onPending",
		"?oncomplete=stream&oncomplete=json":         "onComplete",
		"?onComplete=":                               "onComplete",
		"?onPending=synchronous&onComplete=download": "onComplete",
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			a := f.do(method, statusPath(id)+query)
			a.wantStatus(t, http.StatusBadRequest)
			a.wantHeader(t, "X-Ms-Error-Code", "InvalidParameter")
			if !strings.Contains(string(a.body), `"name":"`+name+`"`) {
				t.Errorf("%s %s does not name %s: %s", method, query, name, a.body)
			}
		}
	}
	f.get(statusPath(id)+"?api-version=2026-01-01").wantStatus(t, http.StatusAccepted)
}

// TestWrongMethod states that other methods are refused with the right ones.
func TestWrongMethod(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for path, want := range map[string]string{
		statusPath(f.issue(0)):             "DELETE",
		statusPath(f.issue(0)) + "/result": "HEAD",
		statusPath(f.issue(0)) + "/events": "GET",
		operationPath(f.issue(0)):          "GET",
	} {
		a := f.do(http.MethodPut, path)
		a.wantStatus(t, http.StatusMethodNotAllowed)
		if allow := a.Header.Get("Allow"); !strings.Contains(allow, want) {
			t.Errorf("Allow of %s = %q, lacks %s", path, allow, want)
		}
	}
}
