package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// guard puts deadlines on the reads of the body and the writes of the answer.
func (o *Options) guard(c echo.Context) *exchange {
	x := &exchange{guardedWriter: guardedWriter{
		ResponseWriter: c.Response().Writer,
		control:        *http.NewResponseController(c.Response().Writer),
		timeout:        o.WriteTimeout,
	}}
	if r := c.Request(); r.Body != nil && r.Body != http.NoBody {
		x.body = guardedBody{ReadCloser: r.Body, control: &x.control, options: o}
		x.guardedWriter.body = &x.body
		// A copy, because net/http must find its own body in the original.
		x.guarded = *r
		x.guarded.Body = &x.body
		c.SetRequest(&x.guarded)
	}
	c.Response().Writer = x
	return x
}

// guardedBody is a body that must keep coming. Only the time spent waiting
// for the client counts, not that of a slow reader.
type guardedBody struct {
	io.ReadCloser
	control *http.ResponseController
	options *Options
	read    int64
	waited  time.Duration
	ended   bool
}

// Read implements [io.Reader]. A client that is too slow gives a [job.Error]
// with [job.CodeRequestTimeout], one that breaks off or sends nonsense one
// with [job.CodeInvalidRequest].
func (b *guardedBody) Read(p []byte) (int, error) {
	start := time.Now()
	// Where deadlines are not to be had there is no connection to guard.
	_ = b.control.SetReadDeadline(start.Add(b.patience()))
	n, err := b.ReadCloser.Read(p)
	b.waited += time.Since(start)
	b.read += int64(n)
	if err == io.EOF {
		// The server goes on reading, to see the client leave, and has lifted
		// the deadline for that.
		b.ended = true
		return n, err
	}
	return n, bodyError(err)
}

// patience gives how long the next read may take.
func (b *guardedBody) patience() time.Duration {
	earned := time.Duration(float64(b.read) / float64(b.options.BodyRate) * float64(time.Second))
	return min(b.options.BodyGrace+earned-b.waited, b.options.WriteTimeout)
}

func bodyError(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &job.Error{Code: job.CodeRequestTimeout, Message: "The body came too slowly.", Err: err}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return &job.Error{Code: job.CodeInvalidRequest, Message: "The body could not be read to its end.", Err: err}
}

// guardedWriter is an answer that must keep being taken.
type guardedWriter struct {
	http.ResponseWriter
	control http.ResponseController
	timeout time.Duration
	setAt   time.Time
	body    *guardedBody // or nil
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *guardedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w *guardedWriter) WriteHeader(status int) {
	w.extend()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [io.Writer].
func (w *guardedWriter) Write(p []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(p)
}

// extend moves the deadline, unless it did so a moment ago. An answer that
// begins before the body was read makes the server read and drop what comes of
// it, which must not take long either.
func (w *guardedWriter) extend() {
	now := time.Now()
	if w.setAt.IsZero() && w.body != nil && !w.body.ended {
		_ = w.control.SetReadDeadline(now.Add(w.body.options.BodyGrace))
	}
	if now.Sub(w.setAt) > w.timeout/16 {
		w.setAt = now
		_ = w.control.SetWriteDeadline(now.Add(w.timeout))
	}
}
