package status

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// cancelTries bounds how often cancel loses a race for the record, which a
// worker writes once every few seconds, before it asks the caller to try again.
const cancelTries = 5

// cancel ends a job at its caller's wish: 202 when it did, 200 with the status
// of a job that had ended before, be it by an earlier cancel. The worker stops
// the job when it next reports on it.
func (s *Service) cancel(c echo.Context) error {
	t, err := s.ticketOf(c)
	if err != nil {
		return err
	}
	v, err := parseVariant(c.Request())
	if err != nil {
		return err
	}
	r, did, err := s.tryCancel(c.Request().Context(), t)
	if err != nil {
		return err
	}
	code := http.StatusOK
	if did {
		code = http.StatusAccepted
	}
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set(echo.HeaderLocation, s.links.status(t.id.String(), v))
	return c.JSON(code, s.statusOf(r, v))
}

// tryCancel cancels the job unless it has ended, and reports whether it did.
// Whoever else writes the record at the same time, one of the two wins and
// this tells which.
func (s *Service) tryCancel(ctx context.Context, t ticket) (r job.Record, did bool, err error) {
	for range cancelTries {
		if r, err = s.lookup(ctx, t, 0); err != nil || r.Status.Terminal() {
			return r, false, err
		}
		r, err = s.writeCancel(ctx, r)
		if err == nil {
			s.cache.written(r)
			return r, true, nil
		}
		if !lostRace(err) {
			return job.Record{}, false, err
		}
	}
	return job.Record{}, false, &job.Error{Code: job.CodeServerBusy, Message: "The job's record kept changing. Try again.", Err: err}
}

// writeCancel writes the canceled record over r, which must still be what is
// stored.
func (s *Service) writeCancel(ctx context.Context, r job.Record) (job.Record, error) {
	if r.Status == "" {
		canceled := job.CancelQueued(r.ID, r.Owner, s.now())
		err := s.options.Records.Insert(ctx, &canceled)
		return canceled, err
	}
	canceled, err := r.Cancel(s.now())
	if err != nil {
		return job.Record{}, err
	}
	err = s.options.Records.Update(ctx, &canceled)
	return canceled, err
}

func lostRace(err error) bool {
	return errors.Is(err, job.ErrExists) || errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound)
}
