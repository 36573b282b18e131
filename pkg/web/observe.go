package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// HeaderRequestID names the request, as Azure's services do. It is not the
// RequestGUID, which names the job.
const HeaderRequestID = "x-ms-request-id"

// request is what is known about a request beside Echo's own context.
type request struct {
	id          string
	trace       traceContext
	requestGUID string
}

const requestKey = "asyncreply.request"

func requestOf(c echo.Context) *request {
	r, _ := c.Get(requestKey).(*request)
	if r == nil {
		return &request{}
	}
	return r
}

// SetRequestGUID tells which job the request is about, for the access log and
// for problem details.
func SetRequestGUID(c echo.Context, id job.ID) { requestOf(c).requestGUID = id.String() }

// RequestGUID gives the job that the request is about, or "".
func RequestGUID(c echo.Context) string { return requestOf(c).requestGUID }

// RequestID gives the value of the answer's x-ms-request-id header.
func RequestID(c echo.Context) string { return requestOf(c).id }

// TraceParent gives the request's traceparent (W3C Trace Context): the
// caller's if it was well-formed, or one that starts a new trace.
func TraceParent(c echo.Context) string { return requestOf(c).trace.parent }

// TraceState gives the caller's tracestate, "" without a well-formed
// traceparent.
func TraceState(c echo.Context) string { return requestOf(c).trace.state }

// observe names the request, answers errors and writes the access log.
func (o *Options) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		r := &request{id: uuid.NewString(), trace: traceOf(c.Request().Header)}
		c.Set(requestKey, r)
		header := c.Response().Header()
		header.Set(HeaderRequestID, r.id)
		header.Set(headerTraceParent, r.trace.parent)
		header.Set(echo.HeaderXContentTypeOptions, "nosniff")

		err := next(c)
		begun := c.Response().Committed
		if err != nil {
			c.Error(err)
		}
		o.log(c, r, err, time.Since(start))
		if err != nil && begun {
			// Ends the connection, so that half an answer is not taken for a whole one.
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

func (o *Options) log(c echo.Context, r *request, err error, took time.Duration) {
	level, ctx := o.level(c, err), c.Request().Context()
	if !o.Logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", c.Request().Method),
		slog.String("path", c.Request().URL.Path),
		slog.Int("status", c.Response().Status),
		slog.Int64("bytes", c.Response().Size),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("client", c.RealIP()),
		slog.String("requestId", r.id),
		slog.String("traceId", r.trace.id()),
	}
	if r.requestGUID != "" {
		attrs = append(attrs, slog.String(job.PropertyRequestGUID, r.requestGUID))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	o.Logger.LogAttrs(ctx, level, "request", attrs...)
}

// level is that of errors for a 5xx, unless the client left before it: what
// failed then is mostly what the end of its context broke off.
func (o *Options) level(c echo.Context, err error) slog.Level {
	_, panicked := errors.AsType[*panicError](err)
	switch {
	case panicked:
		return slog.LevelError
	case c.Path() == pathAlive || c.Path() == pathReady:
		return slog.LevelDebug
	case c.Response().Status >= http.StatusInternalServerError && c.Request().Context().Err() == nil:
		return slog.LevelError
	}
	return o.AccessLevel
}

// panicError is what a handler panicked with.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// recoverPanics turns a panic into an error.
func recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			value := recover()
			if value == http.ErrAbortHandler {
				panic(value)
			}
			if value != nil {
				err = &panicError{value: value, stack: debug.Stack()}
			}
		}()
		return next(c)
	}
}
