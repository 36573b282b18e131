package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// exchange is what is known about a request and its answer beside Echo's own
// context, in one piece of memory. It travels as the answer's writer.
type exchange struct {
	guardedWriter
	body    guardedBody
	guarded http.Request // with body

	id    string // of the request
	trace traceContext
	job   job.ID       // that the request is about, or zero
	named [2][1]string // values of the headers that name the request
}

// exchangeOf gives what is known about a request: nothing, unless it came
// through an instance that [New] made.
func exchangeOf(c echo.Context) *exchange {
	for w := c.Response().Writer; w != nil; {
		if x, ok := w.(*exchange); ok {
			return x
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = wrapper.Unwrap()
	}
	return &exchange{}
}

// SetRequestGUID tells which job the request is about, for the access log and
// for problem details.
func SetRequestGUID(c echo.Context, id job.ID) { exchangeOf(c).job = id }

// RequestGUID gives the job that the request is about, or "".
func RequestGUID(c echo.Context) string { return exchangeOf(c).requestGUID() }

func (x *exchange) requestGUID() string {
	if x.job.IsZero() {
		return ""
	}
	return x.job.String()
}

// RequestID gives the value of the answer's x-ms-request-id header.
func RequestID(c echo.Context) string { return exchangeOf(c).id }

// TraceParent gives the request's traceparent (W3C Trace Context): the
// caller's if it was well-formed, or one that starts a new trace.
func TraceParent(c echo.Context) string { return exchangeOf(c).trace.parent }

// TraceState gives the caller's tracestate, "" without a well-formed
// traceparent.
func TraceState(c echo.Context) string { return exchangeOf(c).trace.state }
