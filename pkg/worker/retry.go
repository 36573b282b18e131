package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// retry ends an attempt that may succeed another time: the record says so, a
// copy of the message is scheduled, and the message is completed, in this
// order. Wherever a crash cuts in, the next delivery goes on from the record.
func (t *task) retry(v Verdict) {
	record := t.claim.current()
	failed := record.FailedAttempts - record.FailedBefore + 1
	if failed >= t.operation.Retry.Attempts {
		t.fail(exhausted(v.Failure, failed))
		return
	}
	now := t.timestamp()
	next := now.Add(t.operation.Retry.Delay(failed, v.After)).Truncate(time.Microsecond)
	if !next.Before(t.deadline()) {
		t.fail(deadlineFailure(&v.Failure))
		return
	}
	err := t.persist("writing the retry", func(r job.Record, now time.Time) (job.Record, error) {
		return r.Retry(v.Failure, next, now)
	})
	if err != nil {
		t.giveUp(err)
		return
	}
	t.log.Warn("attempt failed; trying again", "code", v.Failure.Code, "message", v.Failure.Message, "at", next)
	t.handOn(t.claim.current())
}

// handOn makes sure that the copy for the next try is scheduled, and completes
// the message of the try before. Scheduling it again does no harm: the queue
// knows the copy by its MessageID. If no next try is due, it was taken up.
func (t *task) handOn(record job.Record) {
	if record.NextAttemptAt.IsZero() {
		t.complete()
		return
	}
	copied := *t.message
	copied.Attempt = record.FailedAttempts + 1
	err := t.insist("scheduling the retry", func(ctx context.Context) error {
		return t.Scheduler.Schedule(ctx, &copied, record.NextAttemptAt)
	})
	if err != nil {
		t.giveUp(err)
		return
	}
	t.complete()
}

// exhausted is the failure of a job whose last attempt failed. A time-out
// keeps its own code.
func exhausted(last job.Failure, attempts int) job.Failure {
	code := job.CodeAttemptsExhausted
	if last.Code == job.CodeAttemptTimeout {
		code = last.Code
	}
	return job.Failure{
		Code:    code,
		Message: fmt.Sprintf("None of %d attempts succeeded. The last error: %s", attempts, cmp.Or(last.Message, string(last.Code))),
		Detail:  asDetail(last),
	}
}

// deadlineFailure is the failure of a job that ran out of time, after the
// given error, if any.
func deadlineFailure(last *job.Failure) job.Failure {
	f := job.Failure{Code: job.CodeDeadlineExceeded, Message: "The job was not done by its deadline."}
	if last != nil {
		f.Detail = asDetail(*last)
	}
	return f
}

// asDetail nests a failure in another.
func asDetail(f job.Failure) json.RawMessage {
	text, err := json.Marshal(f)
	if err != nil { // a Detail that is not JSON
		f.Detail = nil
		text, _ = json.Marshal(f)
	}
	return text
}
