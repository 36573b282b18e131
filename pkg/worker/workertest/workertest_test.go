package workertest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRunGivesTheHandlerItsJob keeps the promise that a handler sees all of
// the request.
func TestRunGivesTheHandlerItsJob(t *testing.T) {
	h := worker.HandlerFunc(func(_ context.Context, j *worker.Job) error {
		text, err := io.ReadAll(j.Payload())
		if err != nil {
			return err
		}
		if j.ID.IsZero() || j.Attempt != 3 || j.Owner != "ann" || j.Operation != "echo" || j.SubmittedAt.IsZero() {
			return errors.New("the job lacks something")
		}
		j.SetFileName("echo.txt")
		_, err = io.WriteString(j.Result(j.ContentType), string(text)+j.Parameters.Get("suffix"))
		return err
	})
	o := workertest.Run(t.Context(), h, workertest.Request{
		Operation: "echo", Owner: "ann", Query: "suffix=%21", ContentType: "text/plain", Attempt: 3,
		Stream: strings.NewReader("hi"),
	})
	if o.Err != nil || string(o.Result) != "hi!" || o.ContentType != "text/plain" || o.FileName != "echo.txt" {
		t.Fatalf("got %+v", o)
	}
}

// TestWritesAfterTheEndAreRefused keeps the promise that a result is what was
// written before the handler returned.
func TestWritesAfterTheEndAreRefused(t *testing.T) {
	var late io.Writer
	workertest.Run(t.Context(), worker.HandlerFunc(func(_ context.Context, j *worker.Job) error {
		late = j.Result("text/plain")
		return nil
	}), workertest.Request{})
	if _, err := io.WriteString(late, "late"); err == nil {
		t.Fatal("a write after the end was taken")
	}
}

// TestSecondResultIsRefused keeps the promise that a job has one result.
func TestSecondResultIsRefused(t *testing.T) {
	o := workertest.Run(t.Context(), worker.HandlerFunc(func(_ context.Context, j *worker.Job) error {
		if _, err := io.WriteString(j.Result("text/plain"), "one"); err != nil {
			return err
		}
		_, err := io.WriteString(j.Result("text/plain"), "two")
		return err
	}), workertest.Request{})
	if o.Err == nil || !o.Verdict.Permanent || string(o.Result) != "one" {
		t.Fatalf("got %+v", o)
	}
}
