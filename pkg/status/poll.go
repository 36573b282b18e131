package status

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// getStatus is the resource that polls go to.
func (s *Service) getStatus(c echo.Context) error {
	r, v, err := s.await(c)
	if err != nil {
		return err
	}
	if r.Status.Terminal() {
		return s.outcome(c, r, v)
	}
	body := s.statusOf(r, v)
	c.Response().Header().Set(echo.HeaderLocation, body.StatusURL)
	return s.pending(c, http.StatusAccepted, r, body.RetryAfter, &body)
}

// getResult is the resource that a finished job's result is fetched from.
func (s *Service) getResult(c echo.Context) error {
	r, v, err := s.await(c)
	if err != nil {
		return err
	}
	if r.Status.Terminal() {
		return s.outcome(c, r, v)
	}
	return web.NewProblem(job.CodeNotFinished, "The job has not finished yet. Its status says when it has.").
		WithHeader(echo.HeaderRetryAfter, strconv.Itoa(s.retryAfter(r))).
		WithHeader(echo.HeaderLocation, s.links.status(r.ID.String(), v))
}

// pending answers about a job that may still change, unless the caller knows
// that state already.
func (s *Service) pending(c echo.Context, code int, r job.Record, retryAfter int, body answer) error {
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(retryAfter))
	return s.tagged(c, code, r, body)
}

// outcome answers about a job that has ended.
func (s *Service) outcome(c echo.Context, r job.Record, v variant) error {
	switch {
	case r.Status != job.StatusSucceeded:
		return failed(r)
	case r.Result == nil:
		return &job.Error{Code: job.CodeInternal, Message: "The job's record names no result."}
	case v.onComplete == completeStream:
		return s.stream(c, r)
	case v.onComplete == completeJSON:
		return s.link(c, r)
	}
	return s.redirect(c, r)
}

// failed is the problem that a failed or canceled job is answered with. Its
// code is the job's, but its status never is: whatever went wrong, pollers must
// see that it is over.
func failed(r job.Record) error {
	f := r.Failure
	if f == nil {
		f = &job.Failure{Code: job.CodeHandlerFailed, Message: "The job failed without saying why."}
	}
	p := web.NewProblem(f.Code, f.Message)
	p.Status = web.FailureStatus(f.Code)
	if r.Status == job.StatusFailed {
		p.Status = http.StatusUnprocessableEntity
	}
	return p.With("error", failureOf(f)).
		With("attempt", r.Attempt).
		With("submittedAt", r.SubmittedAt).
		With("finishedAt", r.FinishedAt)
}
