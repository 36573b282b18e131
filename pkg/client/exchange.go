package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// errSilent is the cause of a request that ended because nothing came or went.
var errSilent = errors.New("the connection was silent for too long")

const (
	userAgent = "asyncreply-go"
	maxAnswer = 8 << 20 // bytes, of what is no result
)

// call is one request, which may be sent several times.
type call struct {
	method  string
	url     *url.URL
	header  http.Header
	payload *payload      // nil: none
	hold    time.Duration // how long the service may hold its answer back
	storage bool          // goes to storage, which must not learn who asks
	streams bool          // the answer is a result, which is not to be held in memory
}

// send sends a request once. The answer's body ends with an error when nothing
// comes for the idle timeout, and is to be closed.
func (c *Client) send(ctx context.Context, q *call) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	exchange := &exchange{ctx: ctx, cancel: cancel, idle: c.options.IdleTimeout}
	exchange.timer = time.AfterFunc(q.hold+exchange.idle, func() { cancel(errSilent) })
	response, err := c.roundTrip(exchange, q)
	exchange.timer.Stop()
	if err != nil {
		if ctx.Err() != nil {
			err = causeOf(ctx)
		}
		exchange.end()
		return nil, fmt.Errorf("%s %s: %w", q.method, printable(q.url), err)
	}
	response.Body = &watchedBody{ReadCloser: response.Body, exchange: exchange}
	if q.streams && response.StatusCode < http.StatusMultipleChoices {
		return response, nil
	}
	return whole(q, response)
}

// whole reads an answer to its end, so that one that breaks off is asked for
// again.
func whole(q *call, r *http.Response) (*http.Response, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	_ = r.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("%s %s: the answer broke off: %w", q.method, printable(q.url), err)
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	return r, nil
}

func (c *Client) roundTrip(x *exchange, q *call) (*http.Response, error) {
	r, err := http.NewRequestWithContext(x.ctx, q.method, q.url.String(), nil)
	if err != nil {
		return nil, &permanentError{err}
	}
	maps.Copy(r.Header, q.header)
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Accept-Encoding", "identity") // ranges and digests are of the bytes as they are
	if q.payload != nil {
		if err := x.attach(r, q.payload); err != nil {
			return nil, &permanentError{err}
		}
	}
	if q.storage {
		return c.storage.RoundTrip(r)
	}
	if c.options.Prepare != nil {
		if err := c.options.Prepare(r); err != nil {
			return nil, &permanentError{err}
		}
	}
	response, err := c.services.RoundTrip(r)
	if failed := x.payloadError(); failed != nil && err != nil {
		return nil, &permanentError{failed}
	}
	return response, err
}

// exchange is one request on the wire.
type exchange struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer // ends the exchange when nothing moved for idle
	idle    time.Duration
	payload *upload // or nil
}

// end lets go of the connection and of the payload.
func (x *exchange) end() {
	x.timer.Stop()
	x.cancel(nil)
	if x.payload != nil {
		x.payload.detach()
	}
}

// printable gives a URL without what must not get into logs: a valet key is in
// the query.
func printable(u *url.URL) string {
	shown := *u
	shown.RawQuery = ""
	return shown.String()
}

// decode reads an answer as JSON and closes it.
func decode(r *http.Response, value any) error {
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(value); err != nil {
		return fmt.Errorf("client: the service's answer is not what was expected: %w", err)
	}
	return nil
}

// watchedBody is an answer's body that must keep coming while it is read.
type watchedBody struct {
	io.ReadCloser
	exchange *exchange
}

// Read implements [io.Reader].
func (b *watchedBody) Read(p []byte) (int, error) {
	b.exchange.timer.Reset(b.exchange.idle)
	n, err := b.ReadCloser.Read(p)
	b.exchange.timer.Stop()
	if err != nil && err != io.EOF && b.exchange.ctx.Err() != nil {
		err = causeOf(b.exchange.ctx)
	}
	return n, err
}

// Close ends the exchange.
func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	b.exchange.end()
	return err
}
