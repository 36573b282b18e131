package web

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

// The same header names as net/http writes them.
const (
	canonicalRequestID = "X-Ms-Request-Id"
	canonicalNoSniff   = "X-Content-Type-Options"
)

var noSniff = []string{"nosniff"}

// observe names the request, answers errors and writes the access log.
func (o *Options) observe(c echo.Context, x *exchange, next echo.HandlerFunc) {
	start := time.Now()
	x.name(c)
	err := recovered(c, next)
	begun := c.Response().Committed
	if err != nil {
		c.Error(err)
	}
	o.log(c, x, err, time.Since(start))
	if err != nil && begun {
		// Ends the connection, so that half an answer is not taken for a whole one.
		panic(http.ErrAbortHandler)
	}
}

// name gives the request its id and its trace, and tells the caller.
func (x *exchange) name(c echo.Context) {
	x.id, x.trace = newRequestID(), traceOf(c.Request().Header)
	x.named = [...][1]string{{x.id}, {x.trace.parent}}
	header := c.Response().Header()
	header[canonicalRequestID] = x.named[0][:]
	header[headerTraceParent] = x.named[1][:]
	header[canonicalNoSniff] = noSniff
}

// newRequestID gives a UUID of version 4. It is a name and no secret.
func newRequestID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

func (o *Options) log(c echo.Context, x *exchange, err error, took time.Duration) {
	level, ctx := o.level(c, err), c.Request().Context()
	if !o.Logger.Enabled(ctx, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 11),
		slog.String("method", c.Request().Method),
		slog.String("path", c.Request().URL.Path),
		slog.Int("status", c.Response().Status),
		slog.Int64("bytes", c.Response().Size),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("client", c.RealIP()),
		slog.String("requestId", x.id),
		slog.String("traceId", x.trace.id()),
	)
	if guid := x.requestGUID(); guid != "" {
		attrs = append(attrs, slog.String(job.PropertyRequestGUID, guid))
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

// recovered calls a handler and turns a panic into an error.
func recovered(c echo.Context, next echo.HandlerFunc) (err error) {
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
