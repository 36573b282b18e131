package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// busyRetryAfter is what a 429 or 503 advises, in seconds, that says nothing
// itself.
const busyRetryAfter = "2"

// ErrorHandler answers with the problem that err stands for. It is the error
// handler of the Echo instances that [New] makes. It logs nothing, the access
// log does; once the answer has begun it does nothing.
func ErrorHandler(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := ProblemOf(err)
	p.complete(c)
	header := c.Response().Header()
	for name, values := range p.Header {
		header[name] = values
	}
	header.Set(HeaderErrorCode, string(p.Code))
	header.Set(echo.HeaderCacheControl, "no-store")
	body, err := marshal(p)
	if err != nil {
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"code":"InternalError"}`)
		p.Status = http.StatusInternalServerError
	}
	// A failed write means that the client is gone.
	_ = c.Blob(p.Status, MIMEProblem, body)
}

// ProblemOf gives the problem that err stands for: a [*Problem] itself, a
// [job.Error] by its code with its message as detail and the [operation.Violations]
// in its chain as errors, an Echo or net/http error by its status. Anything
// else is a 500 that says nothing about its cause.
func ProblemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.clone()
	}
	if e, ok := errors.AsType[*job.Error](err); ok {
		return problemOfJobError(e)
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		p := &Problem{Code: codeOf(e.Code), Status: e.Code, Err: err}
		if text, ok := e.Message.(string); ok && text != http.StatusText(e.Code) {
			p.Detail = text
		}
		return p
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Problem{Code: job.CodePayloadTooLarge, Err: e}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Problem{Code: job.CodeServerBusy, Detail: "The service took too long to answer. Try again.", Err: err}
	}
	return &Problem{Code: job.CodeInternal, Detail: "The service failed. Try again later.", Err: err}
}

func problemOfJobError(e *job.Error) *Problem {
	p := &Problem{Code: e.Code, Detail: e.Message, Err: e.Err}
	if v, ok := errors.AsType[*operation.Violations](e.Err); ok {
		p.Errors = v.List
	}
	return p
}

// complete fills in what p leaves to its defaults.
func (p *Problem) complete(c echo.Context) {
	if p.Code == "" {
		p.Code = job.CodeInternal
	}
	if p.Status == 0 {
		p.Status = Status(p.Code)
	}
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	if p.Instance == "" {
		p.Instance = c.Request().URL.EscapedPath()
	}
	if p.RequestGUID == "" {
		p.RequestGUID = RequestGUID(c)
	}
	if p.RequestID == "" {
		p.RequestID = RequestID(c)
	}
	p.completeHeader()
}

func (p *Problem) completeHeader() {
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if p.Header.Get(echo.HeaderRetryAfter) == "" {
			p.WithHeader(echo.HeaderRetryAfter, busyRetryAfter)
		}
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		// The rest of the body is not read, so the connection cannot go on.
		p.WithHeader(echo.HeaderConnection, "close")
	}
}
