package worker

import (
	"context"
	"errors"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// finish turns the outcome of an attempt into the next record, and settles the
// message when that is stored, never before.
func (t *task) finish(o outcome) {
	defer o.result.abort()
	if o.cause == nil && o.err == nil {
		t.succeed(o.result)
		return
	}
	t.discard(o.result)
	switch {
	case errors.Is(o.cause, job.ErrAttemptTimeout):
		t.retry(Verdict{Failure: job.Failure{Code: job.CodeAttemptTimeout, Message: "The attempt took longer than the operation allows."}})
	case errors.Is(o.cause, job.ErrDeadline):
		t.fail(deadlineFailure(nil))
	case o.cause != nil:
		t.giveUp(o.cause)
	default:
		t.judge(o.err)
	}
}

// judge ends an attempt whose handler failed.
func (t *task) judge(err error) {
	v := Judge(err)
	if v.Permanent {
		t.fail(v.Failure)
		return
	}
	t.retry(v)
}

// succeed stores the result, then the record that names it, then completes
// the message.
func (t *task) succeed(r *result) {
	stored, err := t.store(r)
	if err != nil {
		t.discard(r)
		t.unstored(err)
		return
	}
	err = t.persist("writing the success", func(r job.Record, now time.Time) (job.Record, error) {
		return r.Succeed(stored, now)
	})
	switch {
	case err == nil:
		t.log.Info("job succeeded", "size", stored.Size)
		t.complete()
		t.dropPayload()
		return
	case errors.Is(err, job.ErrCanceled) || errors.Is(err, job.ErrOvertaken):
		t.discard(r)
	default:
		// The record may name the result all the same: it stays.
	}
	t.giveUp(err)
}

// unstored ends an attempt whose result could not be stored.
func (t *task) unstored(err error) {
	switch {
	case t.hold.Err() != nil:
		t.giveUp(context.Cause(t.hold))
	case stands(err):
		t.giveUp(err)
	default:
		t.judge(err)
	}
}

// store commits the result: once if it was streamed, insistently otherwise.
func (t *task) store(r *result) (stored job.Result, err error) {
	if r.streamed() {
		return r.commit(t.hold)
	}
	err = t.insist("storing the result", func(ctx context.Context) error {
		stored, err = r.commit(ctx)
		return err
	})
	return stored, err
}

// fail ends the job for good and puts its message aside for operators. Its
// payload stays with it.
func (t *task) fail(f job.Failure) {
	err := t.persist("writing the failure", func(r job.Record, now time.Time) (job.Record, error) {
		if r.Status == "" {
			return job.FailQueued(t.message, f, now), nil
		}
		return r.Fail(f, now)
	})
	if err != nil {
		t.giveUp(err)
		return
	}
	t.log.Warn("job failed", "code", f.Code, "message", f.Message)
	t.deadLetter(f)
}

// giveUp ends the delivery without a word of ours in the record.
func (t *task) giveUp(why error) {
	t.log.Info("giving the job up", "reason", why)
	switch {
	case errors.Is(why, job.ErrLockLost):
		// Whoever holds the lock now settles.
	case errors.Is(why, job.ErrCanceled):
		t.complete()
		t.dropPayload()
	case errors.Is(why, job.ErrOvertaken):
		// Of the same message the lock is gone, and this does nothing; if it
		// was by another message, that one carries the job.
		t.complete()
	default:
		t.settle("abandon", t.Queue.Abandon)
	}
}

func (t *task) complete() { t.settle("complete", t.Queue.Complete) }

// deadLetter puts the message aside, with the failure as reason.
func (t *task) deadLetter(f job.Failure) {
	t.settle("dead-letter", func(ctx context.Context, d *job.Delivery) error {
		return t.Queue.DeadLetter(ctx, d, string(f.Code), f.Message)
	})
}

// settle ends the message's delivery. That it fails is no harm: what was to be
// stored is, and the next delivery finds it.
func (t *task) settle(what string, f func(context.Context, *job.Delivery) error) {
	ctx, cancel := t.closing()
	defer cancel()
	if err := f(ctx, t.delivery); err != nil {
		t.log.Warn("settling the message failed", "settlement", what, "error", err)
	}
}

// discard removes a result that does not count.
func (t *task) discard(r *result) {
	ctx, cancel := t.closing()
	defer cancel()
	if err := r.discard(ctx); err != nil {
		t.log.Warn("a discarded result stays until retention", "error", err)
	}
}

// dropPayload removes the claim-checked payload of a job that is over.
func (t *task) dropPayload() {
	if t.message.PayloadBlob == "" {
		return
	}
	ctx, cancel := t.closing()
	defer cancel()
	if err := t.Payloads.Delete(ctx, t.message.PayloadBlob); err != nil && !errors.Is(err, job.ErrNotFound) {
		t.log.Warn("a used payload stays until retention", "error", err)
	}
}

// closing gives a context for what is to be done even when all else has ended.
func (t *task) closing() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.hold), settleTimeout)
}
