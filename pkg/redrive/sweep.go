package redrive

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const (
	page        = 100              // messages at a time
	inFlight    = 16               // of them
	receiveWait = 5 * time.Second  // for messages of which it is known that they are there
	callTimeout = 30 * time.Second // for all that one message takes
	writeTries  = 5                // races lost for a record
)

// handBack is how long a run goes on in the end, before its caller disconnects:
// the broker may send more to this receiver, which asked for more than it got,
// be it what was just given back. The receiver releases it at once, but if the
// connection ends first, it stays locked until the lock's end.
const handBack = 500 * time.Millisecond

// redriver is one run.
type redriver struct {
	Options

	mu      sync.Mutex
	summary Summary
}

func (r *redriver) report(d *job.Delivery, v verdict) {
	r.mu.Lock()
	r.summary[v.action]++
	r.mu.Unlock()
	r.Report(Outcome{
		ID: d.Message.ID, Operation: d.Message.Operation, SequenceNumber: d.SequenceNumber,
		Reason: d.DeadLetterReason, Action: v.action, Detail: v.detail,
	})
}

// find peeks through the queue. What comes to it later, perhaps because a
// redriven job fails again, is not selected.
func (r *redriver) find(ctx context.Context) (map[int64]*job.Delivery, error) {
	selected := map[int64]*job.Delivery{}
	for from := int64(0); ; {
		messages, err := r.DeadLetters.Peek(ctx, from, page)
		if err != nil || len(messages) == 0 {
			return selected, err
		}
		for _, d := range messages {
			from = d.SequenceNumber + 1
			if r.Select(d) {
				selected[d.SequenceNumber] = d
			}
		}
	}
}

// sweep receives messages until all that are selected were dealt with. Those
// that are not are held until the end, so that others come.
func (r *redriver) sweep(ctx context.Context, selected map[int64]*job.Delivery) error {
	if len(selected) == 0 {
		return nil
	}
	held := map[int64]*job.Delivery{}
	defer func() { r.giveBack(context.WithoutCancel(ctx), held) }()
	for len(selected) > 0 {
		messages, err := r.receive(ctx)
		if err != nil {
			return fmt.Errorf("%d selected messages could not be received, others hold them or took them: %w", len(selected), err)
		}
		var group errgroup.Group
		group.SetLimit(inFlight)
		for _, d := range messages {
			if _, ok := selected[d.SequenceNumber]; !ok {
				held[d.SequenceNumber] = d
				continue
			}
			delete(selected, d.SequenceNumber)
			group.Go(func() error {
				r.report(d, r.deal(ctx, d))
				return nil
			})
		}
		_ = group.Wait() // deal reports its errors
	}
	return nil
}

func (r *redriver) receive(ctx context.Context) ([]*job.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, receiveWait)
	defer cancel()
	return r.DeadLetters.Receive(ctx, page)
}

func (r *redriver) giveBack(ctx context.Context, held map[int64]*job.Delivery) {
	var group errgroup.Group
	group.SetLimit(inFlight)
	for _, d := range held {
		group.Go(func() error {
			r.abandon(ctx, d)
			return nil
		})
	}
	_ = group.Wait() // abandon logs its errors
	time.Sleep(handBack)
}

// abandon gives a message back to the dead-letter queue. It would go back by
// itself when its lock ends.
func (r *redriver) abandon(ctx context.Context, d *job.Delivery) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := r.DeadLetters.Abandon(ctx, d); err != nil && !errors.Is(err, job.ErrLockLost) {
		r.Logger.Warn("a dead letter stays locked until its lock ends", "SequenceNumber", d.SequenceNumber, "error", err)
	}
}

// deal puts one message back. It goes on when ctx ends, rather than breaking
// off halfway.
func (r *redriver) deal(ctx context.Context, d *job.Delivery) verdict {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	v := r.putBack(ctx, d)
	if v.action == Skipped || v.action == Failed {
		r.abandon(ctx, d)
		return v
	}
	// A dead letter that could not be removed is one of an attempt that is over:
	// the next run removes it.
	if err := r.DeadLetters.Complete(ctx, d); err != nil && !errors.Is(err, job.ErrLockLost) {
		r.Logger.Warn("a dead letter that was dealt with stays", "SequenceNumber", d.SequenceNumber, "error", err)
	}
	return v
}

func (r *redriver) putBack(ctx context.Context, d *job.Delivery) verdict {
	if v, ok := r.unfit(d); ok {
		return v
	}
	m := &d.Message
	record, v := r.reopen(ctx, m)
	if v.action != Redriven {
		return v
	}
	copied := *m
	copied.Attempt = record.FailedAttempts + 1
	if err := r.Scheduler.Schedule(ctx, &copied, record.NextAttemptAt); err != nil {
		return failed(fmt.Errorf("queue the message: %w", err))
	}
	return v
}

// reopen has the record wait for another attempt, unless it does already.
func (r *redriver) reopen(ctx context.Context, m *job.Message) (job.Record, verdict) {
	var err error
	for range writeTries {
		var record, next job.Record
		if record, err = r.record(ctx, m); err != nil {
			break
		}
		switch {
		case over(record, m):
			return record, verdict{Removed, "an earlier attempt's"}
		case m.Attempt <= record.FailedAttempts:
			return record, verdict{Redriven, "begun before"}
		}
		if next, err = record.Redrive(m.Attempt, now()); err != nil {
			return record, verdict{Skipped, "the job is " + string(record.Status)}
		}
		if err = r.write(ctx, &next); err == nil {
			return next, verdict{Redriven, ""}
		}
		if !errors.Is(err, job.ErrConflict) && !errors.Is(err, job.ErrExists) && !errors.Is(err, job.ErrNotFound) {
			break
		}
	}
	return job.Record{}, failed(fmt.Errorf("write the job's record: %w", err))
}

func (r *redriver) write(ctx context.Context, record *job.Record) error {
	if record.Version == "" {
		return r.Records.Insert(ctx, record)
	}
	return r.Records.Update(ctx, record)
}
