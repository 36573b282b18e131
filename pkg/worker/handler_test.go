package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// TestJudge keeps the promise of what each kind of error means.
func TestJudge(t *testing.T) {
	plain := errors.New("oops")
	coded := &job.Error{Code: "Odd", Message: "An odd thing.", Err: errors.New("secret host name")}
	for _, c := range []struct {
		name      string
		err       error
		permanent bool
		after     time.Duration
		code      job.Code
		message   string
	}{
		{"plain", plain, false, 0, job.CodeHandlerFailed, "oops"},
		{"coded", coded, false, 0, "Odd", "An odd thing."},
		{"coded without a message", &job.Error{Code: "Odd", Err: plain}, false, 0, "Odd", "The attempt ended with Odd."},
		{"permanent", worker.Permanent(plain), true, 0, job.CodeHandlerFailed, "oops"},
		{"permanent and coded", worker.Permanent(coded), true, 0, "Odd", "An odd thing."},
		{"wrapped", fmt.Errorf("while baking: %w", worker.Permanent(coded)), true, 0, "Odd", "An odd thing."},
		{"failure", worker.Fail(job.Failure{Code: "Cold", Message: "Too cold."}), true, 0, "Cold", "Too cold."},
		{"after a while", worker.RetryAfter(time.Minute, plain), false, time.Minute, job.CodeHandlerFailed, "oops"},
		{"failure, but retryable", worker.RetryAfter(0, worker.Fail(job.Failure{Code: "Cold", Message: "Too cold."})), false, 0, "Cold", "Too cold."},
		{"retryable, but permanent", worker.Permanent(worker.RetryAfter(time.Minute, coded)), true, 0, "Odd", "An odd thing."},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := worker.Judge(c.err)
			if v.Permanent != c.permanent || v.After != c.after || v.Failure.Code != c.code || v.Failure.Message != c.message {
				t.Errorf("got %+v", v)
			}
		})
	}
	if worker.Permanent(nil) != nil || worker.RetryAfter(time.Second, nil) != nil {
		t.Error("no error became one")
	}
	if !errors.Is(worker.Permanent(plain), plain) || !errors.Is(worker.RetryAfter(0, plain), plain) {
		t.Error("a mark hides the error")
	}
}

// TestJSON keeps the promise of typed handlers: payload in, result out, and
// whose fault it is when that fails.
func TestJSON(t *testing.T) {
	type input struct{ N int }
	h := worker.JSON(func(_ context.Context, _ *worker.Job, in input) (any, error) {
		switch in.N {
		case 7:
			return nil, errors.New("seven")
		case 8:
			return make(chan int), nil
		}
		return map[string]int{"twice": 2 * in.N}, nil
	})
	broken := errors.New("connection reset")
	for _, c := range []struct {
		name      string
		request   workertest.Request
		result    string
		permanent bool
		code      job.Code
		message   string
	}{
		{"good", workertest.Request{Payload: []byte(`{"N": 3}`)}, `{"twice":6}`, false, "", ""},
		{"empty", workertest.Request{}, `{"twice":0}`, false, "", ""},
		{"not JSON", workertest.Request{Payload: []byte("N=3")}, "", true, job.CodeInvalidPayload, "not JSON"},
		{"two values", workertest.Request{Payload: []byte(`{"N":1} {"N":2}`)}, "", true, job.CodeInvalidPayload, "not JSON"},
		{"wrong type", workertest.Request{Payload: []byte(`{"N": "three"}`)}, "", true, job.CodeInvalidPayload, "payload's N"},
		{"wrong type at the top", workertest.Request{Payload: []byte(`[]`)}, "", true, job.CodeInvalidPayload, "expected form"},
		{"broken stream", workertest.Request{Stream: iotest.ErrReader(broken)}, "", false, job.CodeHandlerFailed, "connection reset"},
		{"its own error", workertest.Request{Payload: []byte(`{"N": 7}`)}, "", false, job.CodeHandlerFailed, "seven"},
		{"no JSON result", workertest.Request{Payload: []byte(`{"N": 8}`)}, "", true, job.CodeHandlerFailed, "unsupported type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := workertest.Run(t.Context(), h, c.request)
			if string(o.Result) != c.result || (o.Err == nil) != (c.code == "") {
				t.Fatalf("got %+v", o)
			}
			if v := o.Verdict; v.Permanent != c.permanent || v.Failure.Code != c.code || !strings.Contains(v.Failure.Message, c.message) {
				t.Errorf("verdict %+v", v)
			}
		})
	}
}

// TestMux keeps the promise that handlers are found by name, in their
// middleware, and that a mistake in registering shows at once.
func TestMux(t *testing.T) {
	var order []string
	around := func(name string) func(worker.Handler) worker.Handler {
		return func(next worker.Handler) worker.Handler {
			return worker.HandlerFunc(func(ctx context.Context, j *worker.Job) error {
				order = append(order, name)
				return next.Handle(ctx, j)
			})
		}
	}
	m := worker.NewMux()
	m.Use(around("outer"))
	m.HandleFunc("b", func(context.Context, *worker.Job) error { order = append(order, "b"); return nil })
	m.HandleFunc("a", echo)
	m.Use(around("inner"))
	if !slices.Equal(m.Names(), []string{"a", "b"}) {
		t.Errorf("names: %v", m.Names())
	}
	h, ok := m.Lookup("b")
	if o := workertest.Run(t.Context(), h, workertest.Request{}); !ok || o.Err != nil || !slices.Equal(order, []string{"outer", "inner", "b"}) {
		t.Errorf("ran %v", order)
	}
	if _, ok := m.Lookup("c"); ok {
		t.Error("found what was never registered")
	}
	for name, mistake := range map[string]func(){
		"twice":      func() { m.HandleFunc("a", echo) },
		"no name":    func() { m.HandleFunc("", echo) },
		"no handler": func() { m.Handle("c", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			mistake()
		})
	}
}

// TestProgressIsClamped keeps the promise that callers see a percentage.
func TestProgressIsClamped(t *testing.T) {
	o := workertest.Run(t.Context(), worker.HandlerFunc(func(_ context.Context, j *worker.Job) error {
		j.Progress(-3, "")
		j.Progress(250, "")
		return nil
	}), workertest.Request{})
	if o.Progress[0].Percent != 0 || o.Progress[1].Percent != 100 {
		t.Errorf("reported %v", o.Progress)
	}
}
