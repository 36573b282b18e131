package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// A typed handler takes and gives JSON.
func ExampleJSON() {
	type order struct{ Article string }
	type receipt struct{ Text string }
	handler := worker.JSON(func(ctx context.Context, j *worker.Job, in order) (receipt, error) {
		if in.Article == "" {
			return receipt{}, worker.Permanent(errors.New("an order names its article"))
		}
		return receipt{Text: "One " + in.Article + ", thank you."}, nil
	})
	outcome := workertest.Run(context.Background(), handler, workertest.Request{Payload: []byte(`{"Article": "tea"}`)})
	fmt.Println(string(outcome.Result))
	// Output: {"Text":"One tea, thank you."}
}

// Handlers are registered under the name of their operation. A plain handler
// streams: neither payload nor result need fit into memory.
func ExampleMux() {
	mux := worker.NewMux()
	mux.HandleFunc("count", func(ctx context.Context, j *worker.Job) error {
		n, err := io.Copy(io.Discard, j.Payload())
		if err != nil {
			return err // tried again
		}
		j.SetFileName("count.txt")
		_, err = fmt.Fprintf(j.Result("text/plain"), "%d bytes", n)
		return err
	})
	handler, _ := mux.Lookup("count")
	outcome := workertest.Run(context.Background(), handler, workertest.Request{Stream: strings.NewReader("a long story")})
	fmt.Println(string(outcome.Result), outcome.FileName)
	// Output: 12 bytes count.txt
}

// Middleware surrounds every handler of a mux.
func ExampleMux_Use() {
	mux := worker.NewMux()
	mux.Use(func(next worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(ctx context.Context, j *worker.Job) error {
			fmt.Fprintln(os.Stdout, "attempt", j.Attempt, "at", j.Operation)
			return next.Handle(ctx, j)
		})
	})
	mux.HandleFunc("nothing", func(context.Context, *worker.Job) error { return nil })
	handler, _ := mux.Lookup("nothing")
	workertest.Run(context.Background(), handler, workertest.Request{Operation: "nothing", Attempt: 2})
	// Output: attempt 2 at nothing
}

// What an error means is said by marking it.
func ExampleJudge() {
	for _, err := range []error{
		errors.New("the backend hiccuped"),
		worker.RetryAfter(time.Minute, errors.New("the backend is busy")),
		worker.Permanent(&job.Error{Code: "NoSuchArticle", Message: "There is no such article."}),
	} {
		verdict := worker.Judge(err)
		fmt.Println(verdict.Permanent, verdict.After, verdict.Failure.Code, verdict.Failure.Message)
	}
	// Output:
	// false 0s HandlerFailed the backend hiccuped
	// false 1m0s HandlerFailed the backend is busy
	// true 0s NoSuchArticle There is no such article.
}
