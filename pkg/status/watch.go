package status

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Bounds of the time between two looks at a job that somebody waits for, and
// what part of the job's age it is. So a job of 20 ms is seen to end after
// about 30, and one of an hour costs a look a second.
const (
	minInterval = 10 * time.Millisecond
	maxInterval = time.Second
	ageParts    = 10
)

// await gives the job that the request is about and how the caller wants to
// be answered, after the wait that the caller asked for. Where too many wait,
// nobody else does.
func (s *Service) await(c echo.Context) (job.Record, variant, error) {
	t, err := s.ticketOf(c)
	if err != nil {
		return job.Record{}, variant{}, err
	}
	request := c.Request()
	v, err := parseVariant(request)
	if err != nil {
		return job.Record{}, variant{}, err
	}
	wait := v.wait(s.options.MaxWait)
	if wait == 0 || !s.enter() {
		r, err := s.lookup(request.Context(), t, pendingFor)
		return r, v, err
	}
	defer s.leave()
	if v.prefer > 0 {
		c.Response().Header().Set("Preference-Applied", "wait="+seconds(wait))
	}
	r, err := s.wait(request, t, wait)
	return r, v, err
}

// wait gives the job when it has ended or wait is over. A caller that names
// the state that it knows has its answer as soon as there is another.
func (s *Service) wait(request *http.Request, t ticket, wait time.Duration) (job.Record, error) {
	s.pause(request.Context(), s.untilLikelyDone(t))
	r, err := s.lookup(request.Context(), t, s.interval(t.id, s.now()))
	if err != nil {
		return job.Record{}, err
	}
	knows := strings.Contains(request.Header.Get("If-None-Match"), `W/"`)
	return s.watch(request.Context(), t, r, wait, func(r job.Record) bool { return knows && !known(request, r) })
}

// untilLikelyDone gives how long to wait before the first look at a job that was
// submitted a moment ago: if jobs like it are about to end, to look before is in
// vain and puts the next look off. It is never more than lies between two looks.
func (s *Service) untilLikelyDone(t ticket) time.Duration {
	age := max(0, s.age(t.id))
	if !t.genuine || age >= minInterval {
		return 0
	}
	left, known := s.options.Estimate(job.Record{ID: t.id, SubmittedAt: t.id.Time()}, age)
	if !known {
		return 0
	}
	return min(left, minInterval)
}

// enter takes a place among those who wait or listen, if there is one.
func (s *Service) enter() bool {
	select {
	case s.waiters <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *Service) leave() { <-s.waiters }

// watch looks at a job, last seen as r, until it has ended, enough says so, or
// wait is over, and gives what it saw last. It ends early when the caller is
// gone and when the service closes. A store that fails meanwhile is asked
// again; the only errors say that the job is no longer there.
func (s *Service) watch(ctx context.Context, t ticket, r job.Record, wait time.Duration, enough func(job.Record) bool) (job.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for began := s.now(); !r.Status.Terminal() && !enough(r); {
		interval := s.interval(t.id, began)
		if !s.pause(ctx, interval) {
			break
		}
		next, err := s.lookup(ctx, t, interval)
		switch {
		case err == nil:
			r = next
		case errors.Is(err, errNoJob), errors.Is(err, errGone):
			return job.Record{}, err
		}
	}
	return r, nil
}

// interval gives the time between two looks at a job. An id from the future,
// which came from a clock ahead of ours, is as old as the watch.
func (s *Service) interval(id job.ID, began time.Time) time.Duration {
	age := max(s.age(id), s.now().Sub(began))
	return min(max(age/ageParts, minInterval), maxInterval)
}

// pause reports whether d passed without ctx ending or the service closing.
func (s *Service) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closing:
	}
	return false
}
