package worker

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Handler does the work of one operation.
//
// Handle runs at least once for a job, possibly again after an error, a crash
// or a lost lock, on this worker or another; of all its runs one result
// counts. What it does elsewhere it makes idempotent by [Job.ID], which is the
// same in every run.
//
// The nil error means success: what was written to [Job.Result] is the job's
// result. Any other error means another attempt later, unless it was made by
// [Permanent] or [Fail], or the operation's attempts are used up. A panic is a
// permanent failure.
//
// The context ends when the job is to be given up. [context.Cause] says why:
// [job.ErrCanceled], [job.ErrOvertaken], [job.ErrLockLost],
// [job.ErrAttemptTimeout], [job.ErrDeadline] or [job.ErrShutdown]. A handler
// that returns after that has its result discarded.
//
// Handle is called concurrently for different jobs.
type Handler interface {
	Handle(ctx context.Context, j *Job) error
}

// HandlerFunc makes a [Handler] of a function.
type HandlerFunc func(ctx context.Context, j *Job) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, j *Job) error { return f(ctx, j) }

// JSON makes a [Handler] of a function from one value to another. The payload
// is decoded from JSON into In and what f gives is the result, encoded as
// JSON. An empty payload leaves In at its zero value; one that does not decode
// fails the job for good with [job.CodeInvalidPayload]. Payload and result are
// held in memory.
func JSON[In, Out any](f func(ctx context.Context, j *Job, in In) (Out, error)) Handler {
	return HandlerFunc(func(ctx context.Context, j *Job) error {
		var in In
		if err := decodeJSON(j.Payload(), &in); err != nil {
			return err
		}
		out, err := f(ctx, j, in)
		if err != nil {
			return err
		}
		text, err := json.Marshal(out)
		if err != nil {
			return Permanent(err)
		}
		_, err = j.Result("application/json").Write(text)
		return err
	})
}

// decodeJSON reads all of r. An error of r itself, such as a broken
// connection, is given as it is, so that it is retried.
func decodeJSON(r io.Reader, value any) error {
	text, err := io.ReadAll(r)
	if err != nil || len(text) == 0 {
		return err
	}
	err = json.Unmarshal(text, value)
	if err == nil {
		return nil
	}
	message := "The payload is not JSON of the expected form."
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		message = "The payload's " + wrong.Field + " is not of the right type."
	}
	return Permanent(&job.Error{Code: job.CodeInvalidPayload, Message: message, Err: err})
}
