package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// outcome is how an attempt ended.
type outcome struct {
	err    error   // what the handler returned
	cause  error   // why its context was canceled before it returned, or nil
	result *result // what it made, neither committed nor discarded yet

	straggles bool // the handler has not returned
}

// attempt runs the handler once, with heartbeats for as long as it runs.
func (t *task) attempt() outcome {
	ctx, cancel := t.attemptContext()
	defer cancel(nil)
	started := time.Now()
	number := t.claim.current().Attempt
	progress := newProgress()
	payload := newPayload(ctx, t.Payloads, t.message, t.log)
	result := newResult(ctx, t.hold, t.Results, resultName(t.message.ID, number))
	j := NewJob(t.message, number, t.log.With("Attempt", number), attemptIO{payload, result, progress})

	stopBeating := make(chan struct{})
	beating := t.beating(progress, cancel, stopBeating)
	unhook := context.AfterFunc(ctx, result.abort)
	o := outcome{result: result}
	o.straggles, o.err = t.call(ctx, j)
	if !unhook() {
		o.cause = context.Cause(ctx)
	}
	close(stopBeating)
	beating.stop()
	cancel(nil)
	result.seal()
	payload.close()
	if o.err != nil && payload.missing() {
		o.err = payloadMissing(o.err)
	}
	t.log.Debug("attempt ended", "Attempt", number, "after", time.Since(started), "error", o.err, "cause", o.cause)
	return o
}

// attemptContext gives the context of the handler: it ends with the hold on
// the message, at the hard stop, and when time is up.
func (t *task) attemptContext() (context.Context, context.CancelCauseFunc) {
	left, cause := t.operation.AttemptTimeout, job.ErrAttemptTimeout
	if untilDeadline := t.deadline().Sub(t.Now()); untilDeadline < left {
		left, cause = untilDeadline, job.ErrDeadline
	}
	timed, cancelTimed := context.WithTimeoutCause(t.hold, left, cause)
	ctx, cancel := context.WithCancelCause(timed)
	unhook := context.AfterFunc(t.stage.handlers, func() { cancel(context.Cause(t.stage.handlers)) })
	return ctx, func(cause error) {
		cancel(cause)
		if cause == nil {
			unhook()
			cancelTimed()
		}
	}
}

// call runs the handler in a goroutine of its own, so that one that ignores
// the end of its context keeps its slot but not its job.
func (t *task) call(ctx context.Context, j *Job) (straggles bool, err error) {
	h, _ := t.Handlers.Lookup(t.operation.Name)
	t.returned = make(chan struct{})
	outcome := errPanicked // stands if the handler ends its goroutine
	go func() {
		defer close(t.returned)
		outcome = t.protect(ctx, h, j)
	}()
	select {
	case <-t.returned:
		return false, outcome
	case <-ctx.Done():
	}
	select {
	case <-t.returned:
		return false, outcome
	case <-time.After(t.HandlerGrace):
		j.Logger.Error("handler does not return although its context has ended", "cause", context.Cause(ctx))
		return true, context.Cause(ctx)
	}
}

// protect calls the handler and makes a permanent error of a panic. The stack
// goes to the log; the caller is told no more than that it happened.
func (t *task) protect(ctx context.Context, h Handler, j *Job) (err error) {
	finished := false
	defer func() {
		if finished {
			return
		}
		value := recover()
		j.Logger.Error("handler panicked", "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
		err = errPanicked
	}()
	err = h.Handle(ctx, j)
	finished = true
	return err
}

// errPanicked is how a handler that panics, or ends its goroutine, fails.
var errPanicked = Fail(job.Failure{Code: job.CodeHandlerPanicked, Message: "The operation's handler panicked."})

// attemptIO is the [IO] of an attempt.
type attemptIO struct {
	payload  *payload
	result   *result
	progress *progress
}

func (a attemptIO) Payload() io.Reader { return a.payload }

func (a attemptIO) Progress(percent float64, message string) { a.progress.report(percent, message) }

func (a attemptIO) Result(contentType, fileName string) io.Writer {
	return a.result.begin(job.BlobProperties{ContentType: contentType, FileName: fileName})
}

var errSealed = errors.New("the handler has returned")
