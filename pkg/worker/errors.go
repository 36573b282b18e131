package worker

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Permanent marks an error after which another attempt is pointless: the job
// fails. Its caller sees the code and message of the first [job.Error] in the
// chain of err, or [job.CodeHandlerFailed] and the text of err, so err is to
// say nothing that callers should not know. Of nil it gives nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &markedError{err: err, verdict: Verdict{Failure: failureOf(err), Permanent: true}}
}

// Fail gives an error that fails the job for good with exactly f.
func Fail(f job.Failure) error {
	return &markedError{err: fmt.Errorf("%s: %s", f.Code, f.Message), verdict: Verdict{Failure: f, Permanent: true}}
}

// RetryAfter marks an error after which another attempt makes sense, but not
// before d has passed; the operation's maxBackoff bounds it. An error without
// a mark is retryable too, at the operation's own pace. Of nil it gives nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &markedError{err: err, verdict: Verdict{Failure: failureOf(err), After: d}}
}

// Verdict is what a handler's error means for its job.
type Verdict struct {
	Failure   job.Failure   // what the caller gets to see
	Permanent bool          // no more attempts
	After     time.Duration // least wait before the next attempt, or 0
}

// Judge says what an error that a handler returned means. The outermost mark
// set by [Permanent], [Fail] or [RetryAfter] decides; an error without one is
// retryable.
func Judge(err error) Verdict {
	if marked, ok := errors.AsType[*markedError](err); ok {
		return marked.verdict
	}
	return Verdict{Failure: failureOf(err)}
}

// markedError is an error with what it means.
type markedError struct {
	err     error
	verdict Verdict
}

func (e *markedError) Error() string { return e.err.Error() }
func (e *markedError) Unwrap() error { return e.err }

// failureOf takes code, message and detail from where err has them. The cause
// of a [job.Error] is for the log, not for the caller.
func failureOf(err error) job.Failure {
	if marked, ok := errors.AsType[*markedError](err); ok {
		return marked.verdict.Failure
	}
	if e, ok := errors.AsType[*job.Error](err); ok {
		return job.Failure{Code: e.Code, Message: cmp.Or(e.Message, "The attempt ended with "+string(e.Code)+".")}
	}
	return job.Failure{Code: job.CodeHandlerFailed, Message: err.Error()}
}
