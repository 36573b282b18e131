package main

import (
	"context"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/telemetry"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// tell has telemetry told of every attempt and, beside the given observer, of
// how long jobs wait and take. Without telemetry nothing is changed.
func tell(t *telemetry.Telemetry, handlers *worker.Mux, first worker.Observer) worker.Observer {
	if t == nil {
		return first
	}
	handlers.Use(func(next worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(ctx context.Context, j *worker.Job) error { return told(ctx, t, next, j) })
	})
	return observers{first, t}
}

// told calls a handler, whose own calls are below the attempt's span.
func told(ctx context.Context, t *telemetry.Telemetry, next worker.Handler, j *worker.Job) (err error) {
	ctx, attempt := t.Begin(ctx, telemetry.Message{
		RequestGUID: j.ID.String(), Operation: j.Operation, Attempt: j.Attempt,
		TraceParent: j.TraceParent, TraceState: j.TraceState,
	})
	j.TraceParent, j.TraceState = attempt.TraceParent, attempt.TraceState
	code := job.CodeHandlerPanicked // stands if the handler does not return
	defer func() { attempt.End(string(code)) }()
	err = next.Handle(ctx, j)
	code = codeOf(err)
	return err
}

// codeOf gives the word for an attempt's failure, "" for none.
func codeOf(err error) job.Code {
	if err == nil {
		return ""
	}
	return worker.Judge(err).Failure.Code
}

// observers tell each of themselves.
type observers []worker.Observer

// Received implements [worker.Observer].
func (o observers) Received(operation string, waited time.Duration) {
	for _, each := range o {
		each.Received(operation, waited)
	}
}

// Ended implements [worker.Observer].
func (o observers) Ended(operation string, took time.Duration) {
	for _, each := range o {
		each.Ended(operation, took)
	}
}
