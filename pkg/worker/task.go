package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// task is one delivery on its way through the worker.
type task struct {
	*Options
	stage    *stage
	delivery *job.Delivery
	message  *job.Message
	log      *slog.Logger

	lock      *lock
	claim     *claim
	hold      context.Context // lives as long as the message is ours
	operation *operation.Operation

	known    *job.Record   // what a read of the whole batch found
	looked   bool          // whether there was one
	vacate   func()        // gives the slot back before the task's end, if it can
	returned chan struct{} // closed when the handler has returned
}

func (w *Worker) newTask(stage *stage, d *job.Delivery) *task {
	t := &task{Options: &w.options, stage: stage, delivery: d, message: &d.Message}
	t.log = w.options.Logger.With("RequestGUID", d.Message.ID.String(), "Operation", d.Message.Operation)
	t.lock = &lock{receiver: w.options.Queue, now: w.options.Now, delivery: d}
	t.claim = &claim{records: w.options.Records, lock: t.lock, record: job.Record{ID: d.Message.ID}}
	return t
}

// run brings the delivery to its end. The lock is kept until the message is
// settled. It gives a channel that is closed when the handler has returned, or
// nil if none was called.
func (t *task) run() <-chan struct{} {
	var lose context.CancelCauseFunc
	t.hold, lose = context.WithCancelCause(t.stage.settling)
	keeper := t.lock.keep(t.hold, lose)
	t.decide()
	lose(nil)
	keeper.stop()
	return t.returned
}

// decide finds out what the delivery asks for and does it.
func (t *task) decide() {
	if t.message.ID.IsZero() {
		t.deadLetter(job.Failure{Code: job.CodeInvalidMessage, Message: errorText(t.delivery.Err)})
		return
	}
	record, err := t.lookup()
	switch {
	case err != nil:
		t.giveUp(err)
	case t.delivery.Err != nil:
		t.refuse(record)
	case record != nil && strays(t.message, *record):
		t.deadLetter(job.Failure{Code: job.CodeInvalidMessage, Message: "The RequestGUID is that of a job of another operation."})
	case record != nil && record.Status.Terminal():
		t.clear(*record)
	case record != nil && t.message.Attempt <= record.FailedAttempts:
		t.handOn(*record)
	default:
		t.take(record)
	}
}

// lookup reads the job's record, as long as it takes. It gives nil if there is
// none.
func (t *task) lookup() (*job.Record, error) {
	if t.looked {
		return t.known, nil
	}
	var record *job.Record
	err := t.insist("reading the record", func(ctx context.Context) error {
		if t.stage.handlers.Err() != nil {
			return context.Cause(t.stage.handlers)
		}
		got, err := t.Records.Get(ctx, t.message.ID)
		switch {
		case err == nil:
			record = &got
		case errors.Is(err, job.ErrNotFound):
			return nil
		}
		return err
	})
	return record, err
}

// refuse ends a message that cannot be understood although it names a job.
// A record that is there is left alone: the message is not that job's own, or
// it was failed already when the message came before.
func (t *task) refuse(record *job.Record) {
	f := job.Failure{Code: job.CodeInvalidMessage, Message: errorText(t.delivery.Err)}
	if record == nil {
		t.fail(f)
		return
	}
	t.deadLetter(f)
}

// strays reports whether a message bears the id of a job that it cannot belong
// to, since that has another operation: then it is not to end that job. A job
// that was canceled before it was taken has no operation on record.
func strays(m *job.Message, r job.Record) bool {
	return r.Operation != "" && r.Operation != m.Operation
}

// clear settles the message of a job that has ended, as the worker that ended
// it would have done.
func (t *task) clear(r job.Record) {
	t.log.Info("job has ended already", "Status", r.Status)
	if r.Status == job.StatusFailed && r.Failure != nil && t.message.Attempt > r.FailedAttempts {
		t.deadLetter(*r.Failure)
		return
	}
	t.complete()
	if r.Status != job.StatusFailed {
		t.dropPayload()
	}
}

// take makes the job ours and runs it, unless it is past doing. A job that has
// no record yet gets one by the first heartbeat.
func (t *task) take(record *job.Record) {
	now := t.timestamp()
	if record != nil {
		err := t.insist("taking the job over", func(ctx context.Context) error {
			return t.claim.takeOver(ctx, *record, now)
		})
		if err != nil {
			t.giveUp(err)
			return
		}
	}
	op, ok := t.Operations.Lookup(t.message.Operation)
	if !ok {
		t.fail(job.Failure{Code: job.CodeUnknownOperation, Message: fmt.Sprintf("The worker knows no operation %.80q.", t.message.Operation)})
		return
	}
	t.operation = op
	if !now.Before(t.deadline()) {
		t.fail(deadlineFailure(nil))
		return
	}
	if record == nil {
		t.claim.begin(job.Claim(t.message, now))
	}
	t.observeReceived(now)
	o := t.attempt()
	if !o.straggles && !o.result.streamed() {
		t.vacate()
	}
	t.finish(o)
	t.observeEnded()
}

// deadline is when the job is to be done at the latest. For one that was
// redriven it counts anew.
func (t *task) deadline() time.Time {
	record := t.claim.current()
	if !record.RedrivenAt.IsZero() {
		return record.RedrivenAt.Add(t.operation.Deadline)
	}
	submitted := record.SubmittedAt
	if submitted.IsZero() {
		submitted = t.message.SubmittedAt
	}
	if submitted.IsZero() {
		submitted = t.delivery.EnqueuedAt
	}
	return submitted.Add(t.operation.Deadline)
}

func errorText(err error) string {
	if e, ok := errors.AsType[*job.Error](err); ok && e.Message != "" {
		return e.Message
	}
	if err == nil {
		return "the message names no job"
	}
	return err.Error()
}
