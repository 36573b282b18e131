package worker

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Reasons that Service Bus itself dead-letters with; see
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues.
const (
	reasonExpired       = "TTLExpiredException"
	reasonDeliveryCount = "MaxDeliveryCountExceeded"
)

const (
	peekPage = 100                    // messages a peek
	pageRest = 500 * time.Millisecond // of rest after a sweep for every page of it

	forgetAfter = time.Hour // what was dealt with is looked at again
)

// sweeper turns what lies in the dead-letter queue into failed records, so
// that those who wait for these jobs learn of it. It only peeks: the messages
// stay where operators look for them, unlocked, and any number of workers may
// sweep at once, since every write is conditional. It goes through the whole
// queue each time, because a message that comes to it late may keep an early
// sequence number, and remembers what it has dealt with, though not for ever: a
// redrive that broke off between the record and the message is ended then.
type sweeper struct {
	*Options
	done  map[int64]struct{} // sequence numbers
	since time.Time          // when it began to remember
}

func newSweeper(w *Worker) *sweeper {
	return &sweeper{Options: &w.options, done: map[int64]struct{}{}, since: time.Now()}
}

func (s *sweeper) run(ctx context.Context) {
	for ctx.Err() == nil {
		pages, err := s.sweep(ctx)
		if err != nil && ctx.Err() == nil {
			s.Logger.Warn("reading the dead-letter queue failed", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(s.Sweep, time.Duration(pages)*pageRest)):
		}
	}
}

// sweep goes through the dead-letter queue once and gives how many pages it
// has, by which the sweeps of a fleet are kept from costing too much: how long
// it took would tell of outages too. A message that cannot be dealt with now is
// left to the next sweep.
func (s *sweeper) sweep(ctx context.Context) (pages int, err error) {
	if time.Since(s.since) > forgetAfter {
		s.done, s.since = map[int64]struct{}{}, time.Now()
	}
	there := map[int64]struct{}{}
	for from := int64(0); ; pages++ {
		page, err := s.DeadLetters.Peek(ctx, from, peekPage)
		if err != nil {
			return pages, err
		}
		if len(page) == 0 {
			s.done = there
			return pages, nil
		}
		for _, d := range page {
			from = d.SequenceNumber + 1
			if s.deal(ctx, d) {
				there[d.SequenceNumber] = struct{}{}
				s.done[d.SequenceNumber] = struct{}{}
			}
		}
	}
}

// deal sees to it that the job of a dead message is not left waiting, and
// reports whether nothing remains to be done.
func (s *sweeper) deal(ctx context.Context, d *job.Delivery) bool {
	if _, ok := s.done[d.SequenceNumber]; ok {
		return true
	}
	log := s.Logger.With("RequestGUID", d.Message.ID.String(), "SequenceNumber", d.SequenceNumber,
		"reason", d.DeadLetterReason, "description", d.DeadLetterDescription)
	if d.Message.ID.IsZero() {
		log.Error("dead-lettered message names no job; it stays in the dead-letter queue", "error", d.Err)
		return true
	}
	if d.Message.ID.Day() != job.ForeignDay && time.Since(d.Message.ID.Time()) > s.Retention {
		return true // its record is gone for good, and its day is not to be opened again
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := s.bury(ctx, d, log)
	if err != nil {
		log.Warn("failing the job of a dead-lettered message failed; trying again", "error", err)
	}
	return err == nil
}

// bury fails the job of a dead message unless it has ended or goes on by
// another message.
func (s *sweeper) bury(ctx context.Context, d *job.Delivery, log *slog.Logger) error {
	m, f := &d.Message, deadFailure(d)
	for {
		r, err := s.Records.Get(ctx, m.ID)
		switch {
		case errors.Is(err, job.ErrNotFound):
			r = job.FailQueued(m, f, s.timestamp())
			err = s.Records.Insert(ctx, &r)
		case err != nil || r.Status.Terminal() || d.Err != nil || strays(m, r):
			return err
		case m.Attempt <= r.FailedAttempts:
			return s.revive(ctx, m, r)
		default:
			if r, err = r.Fail(f, s.timestamp()); err == nil {
				err = s.Records.Update(ctx, &r)
			}
		}
		if !refused(err) {
			if err == nil {
				log.Warn("job failed by its dead-lettered message", "code", f.Code)
			}
			return err
		}
	}
}

// revive schedules the copy for the next try again when the message of the try
// before died before it could be completed. A job that was taken up since has
// no next attempt due and needs none.
func (s *sweeper) revive(ctx context.Context, m *job.Message, r job.Record) error {
	if r.NextAttemptAt.IsZero() {
		return nil
	}
	copied := *m
	copied.Attempt = r.FailedAttempts + 1
	return s.Scheduler.Schedule(ctx, &copied, r.NextAttemptAt)
}

// deadFailure says why the job of a dead message failed.
func deadFailure(d *job.Delivery) job.Failure {
	detail, _ := json.Marshal(struct {
		Reason      string `json:"deadLetterReason,omitempty"`
		Description string `json:"deadLetterDescription,omitempty"`
	}{d.DeadLetterReason, d.DeadLetterDescription})
	f := job.Failure{Code: job.CodeDeadLettered, Message: "The job's message was dead-lettered.", Detail: detail}
	switch {
	case d.Err != nil:
		f.Code, f.Message = job.CodeInvalidMessage, errorText(d.Err)
	case d.DeadLetterReason == reasonExpired:
		f.Code, f.Message = job.CodeExpired, "The job waited in the queue for longer than its operation allows."
	case d.DeadLetterReason == reasonDeliveryCount:
		f.Code, f.Message = job.CodeDeliveryCountExceeded, "The job was delivered to workers too often without coming to an end."
	}
	return f
}
