package redrive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// DeadLetters is the dead-letter queue.
type DeadLetters interface {
	// Peek gives up to max messages in the order of their sequence numbers,
	// from the given one on; none at the end of the queue.
	Peek(ctx context.Context, from int64, max int) ([]*job.Delivery, error)
	// Receive gives up to max messages under peek-lock, and waits for the first.
	Receive(ctx context.Context, max int) ([]*job.Delivery, error)
	Complete(ctx context.Context, d *job.Delivery) error
	Abandon(ctx context.Context, d *job.Delivery) error
}

// Scheduler sends a message that becomes visible at a time.
type Scheduler interface {
	Schedule(ctx context.Context, m *job.Message, at time.Time) error
}

// Records holds what is known of the jobs.
type Records interface {
	Get(ctx context.Context, id job.ID) (job.Record, error)
	Insert(ctx context.Context, r *job.Record) error
	Update(ctx context.Context, r *job.Record) error
}

// Options are the settings of [Run]. DeadLetters, Scheduler, Records and
// Retention are needed.
type Options struct {
	DeadLetters DeadLetters
	Scheduler   Scheduler
	Records     Records
	Retention   time.Duration // how long jobs are known

	// Select says which messages to put back; nil: all.
	Select func(d *job.Delivery) bool
	// DryRun has nothing changed: Report says what would be done.
	DryRun bool
	// Report is told of each selected message. It may be called concurrently.
	Report func(Outcome)

	Logger *slog.Logger // nil: none
}

// Action is what became of a selected message.
type Action string

// The actions.
const (
	Redriven Action = "redriven" // the job is queued again
	Removed  Action = "removed"  // the message was of an attempt that is over; the job's later message carries it
	Skipped  Action = "skipped"  // the message stays, for the reason that Detail gives
	Failed   Action = "failed"   // it could not be done now; running it again goes on from here
)

// Outcome is what became of one message.
type Outcome struct {
	ID             job.ID // zero for a message that names no job
	Operation      string
	SequenceNumber int64
	Reason         string // why it was dead-lettered
	Action         Action
	Detail         string
}

// Summary counts the messages by what became of them.
type Summary map[Action]int

// Run puts the selected messages back that are in the dead-letter queue when it
// begins. It returns an error if it could not go through the queue; what it did
// until then is in the summary.
func Run(ctx context.Context, opts *Options) (Summary, error) {
	r := &redriver{Options: *opts, summary: Summary{}}
	if r.Select == nil {
		r.Select = func(*job.Delivery) bool { return true }
	}
	if r.Report == nil {
		r.Report = func(Outcome) {}
	}
	if r.Logger == nil {
		r.Logger = slog.New(slog.DiscardHandler)
	}
	selected, err := r.find(ctx)
	if err != nil {
		return r.summary, fmt.Errorf("look through the dead-letter queue: %w", err)
	}
	if r.DryRun {
		for _, d := range selected {
			r.report(d, r.foresee(ctx, d))
		}
		return r.summary, nil
	}
	return r.summary, r.sweep(ctx, selected)
}

// verdict is what becomes of a message, and why.
type verdict struct {
	action Action
	detail string
}

func failed(err error) verdict { return verdict{Failed, err.Error()} }

// unfit gives why a message cannot be put back, whatever its job's state.
func (r *redriver) unfit(d *job.Delivery) (verdict, bool) {
	id := d.Message.ID
	switch {
	case id.IsZero():
		return verdict{Skipped, "it names no job"}, true
	case d.Err != nil:
		return verdict{Skipped, "it cannot be understood: " + d.Err.Error()}, true
	case id.Day() != job.ForeignDay && time.Since(id.Time()) > r.Retention:
		return verdict{Skipped, "it is past retention"}, true
	}
	return verdict{}, false
}

// foresee says what would be done.
func (r *redriver) foresee(ctx context.Context, d *job.Delivery) verdict {
	if v, ok := r.unfit(d); ok {
		return v
	}
	record, err := r.record(ctx, &d.Message)
	switch {
	case err != nil:
		return failed(err)
	case over(record, &d.Message):
		return verdict{Removed, "an earlier attempt's"}
	}
	if _, err := record.Redrive(d.Message.Attempt, now()); err != nil {
		return verdict{Skipped, "the job is " + string(record.Status)}
	}
	return verdict{Redriven, ""}
}

// record gives the job's record, or what it would be if it had one: the worker
// may not have come to this message yet.
func (r *redriver) record(ctx context.Context, m *job.Message) (job.Record, error) {
	record, err := r.Records.Get(ctx, m.ID)
	if errors.Is(err, job.ErrNotFound) {
		failure := job.Failure{Code: job.CodeDeadLettered, Message: "The job's message was dead-lettered."}
		return job.FailQueued(m, failure, now()), nil
	}
	return record, err
}

// over reports whether the message is of an attempt that is over, and the job
// needs nothing: it goes on, or has ended, by a later message.
func over(record job.Record, m *job.Message) bool {
	return m.Attempt <= record.FailedAttempts && (record.Status.Terminal() || record.NextAttemptAt.IsZero())
}

// now is to the microsecond, which every store keeps.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
