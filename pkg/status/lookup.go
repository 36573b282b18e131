package status

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// ticket is an id with what it says by itself.
type ticket struct {
	id      job.ID
	owner   string // of the caller, not of the job
	genuine bool   // issued here, to owner
}

// ticketOf reads the id in the request's path. No read of storage is needed
// to refuse an id that is malformed or genuine and past its retention.
func (s *Service) ticketOf(c echo.Context) (ticket, error) {
	owner, err := s.options.Owner(c)
	if err != nil {
		return ticket{}, err
	}
	if err := s.options.Limiter.Allow(c, owner); err != nil {
		return ticket{}, err
	}
	id, err := job.ParseID(c.Param("id"))
	if err != nil {
		return ticket{}, err
	}
	web.SetRequestGUID(c, id)
	t := ticket{id: id, owner: owner, genuine: s.options.Keys.Verify(id, owner)}
	if t.genuine && s.age(id) > s.options.Retention {
		return ticket{}, errGone
	}
	return t, nil
}

func (s *Service) age(id job.ID) time.Duration { return s.now().Sub(id.Time()) }

// lookup gives the job's record as it was at most maxAge ago. A queued job,
// which has none, is given one with Status "".
func (s *Service) lookup(ctx context.Context, t ticket, maxAge time.Duration) (job.Record, error) {
	r, err := s.cache.get(ctx, t.id, t.genuine, maxAge)
	if err != nil {
		return job.Record{}, err
	}
	return s.judge(t, r)
}

// Why there is nothing to be told. A job that never was and one that is not
// the caller's look the same.
var (
	errNoJob error = &job.Error{Code: job.CodeNotFound, Message: "No such job."}
	errGone  error = &job.Error{Code: job.CodeGone, Message: "The job is past its retention; nothing is known of it any more."}
)

// judge says what a reading means to the holder of a ticket. Somebody else's
// job looks like one that never was.
func (s *Service) judge(t ticket, r reading) (job.Record, error) {
	switch {
	case r.found && r.record.Owner == t.owner:
		if r.record.Status.Terminal() && s.now().Sub(r.record.FinishedAt) > s.options.Retention {
			return job.Record{}, errGone // kept in memory longer than in the store
		}
		return r.record, nil
	case r.found || !t.genuine:
		return job.Record{}, errNoJob
	case s.age(t.id) > s.options.QueueTimeout+s.options.QueueMargin:
		return expired(t, t.id.Time().Add(s.options.QueueTimeout)), nil
	}
	return job.Record{ID: t.id, Owner: t.owner, SubmittedAt: t.id.Time(), UpdatedAt: t.id.Time()}, nil
}

// expired is the record that a job would have if its message had not been
// removed from the queue by hand.
func expired(t ticket, at time.Time) job.Record {
	m := job.Message{ID: t.id, Owner: t.owner, SubmittedAt: t.id.Time()}
	return job.FailQueued(&m, job.Failure{
		Code:    job.CodeExpired,
		Message: "The request waited longer in its queue than any operation allows. Submit it again.",
	}, at)
}
