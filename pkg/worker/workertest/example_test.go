package workertest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// shout answers a greeting in capitals.
func shout(ctx context.Context, j *worker.Job, in struct{ Greeting string }) (string, error) {
	if in.Greeting == "" {
		return "", worker.Permanent(errors.New("there is no greeting"))
	}
	j.Progress(50, "shouting")
	return strings.ToUpper(in.Greeting), nil
}

// A handler is run with a payload and asked what it made.
func ExampleRun() {
	outcome := workertest.Run(context.Background(), worker.JSON(shout), workertest.Request{
		Payload: []byte(`{"greeting": "hello"}`),
	})
	fmt.Println(outcome.Err, outcome.ContentType, string(outcome.Result), outcome.Progress)
	// Output: <nil> application/json "HELLO" [{50 shouting}]
}

// The verdict says what an error means for the job.
func ExampleRun_verdict() {
	handler := worker.JSON(shout)
	outcome := workertest.Run(context.Background(), handler, workertest.Request{})
	fmt.Println(outcome.Verdict.Permanent, outcome.Verdict.Failure.Code, outcome.Verdict.Failure.Message)

	busy := worker.HandlerFunc(func(context.Context, *worker.Job) error {
		return worker.RetryAfter(time.Minute, errors.New("the backend is busy"))
	})
	outcome = workertest.Run(context.Background(), busy, workertest.Request{Attempt: 2})
	fmt.Println(outcome.Verdict.Permanent, outcome.Verdict.After)
	// Output:
	// true HandlerFailed there is no greeting
	// false 1m0s
}
