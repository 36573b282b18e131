package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 30 * time.Second
	maxAdvice    = 10 * time.Minute // longest Retry-After that is believed
)

// persist calls send until it gives an answer, or an error, that no retry may
// change. safe reports whether the request may be sent again after it.
func (c *Client) persist(ctx context.Context, send func() (*http.Response, error), safe func(*http.Response, error) bool) (*http.Response, error) {
	var since time.Time // when it began to fail
	for try := 0; ; try++ {
		response, err := send()
		if ctx.Err() != nil {
			discard(response)
			return nil, causeOf(ctx)
		}
		if !isTransient(response, err) || !safe(response, err) {
			return response, err
		}
		if since.IsZero() {
			since = time.Now()
		}
		delay := delayOf(response, try)
		if time.Since(since)+delay > c.options.RetryFor {
			return response, err
		}
		if response != nil {
			err = problemOf(response)
		}
		if err := c.pauseAfter(ctx, err, delay); err != nil {
			return nil, err
		}
	}
}

// pauseAfter waits before what failed with err is tried again.
func (c *Client) pauseAfter(ctx context.Context, err error, delay time.Duration) error {
	if c.options.OnRetry != nil {
		c.options.OnRetry(err, delay)
	}
	return pause(ctx, delay)
}

// isTransient reports whether the same request may well succeed later.
func isTransient(r *http.Response, err error) bool {
	if err != nil {
		_, permanent := errors.AsType[*permanentError](err)
		_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
		return !permanent && !untrusted
	}
	switch r.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// permanentError is one on this side, which would come again.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// always is for requests that do no harm when they are sent twice.
func always(*http.Response, error) bool { return true }

// ifNotTaken is for requests that count twice when they are sent twice.
func ifNotTaken(r *http.Response, err error) bool {
	if err != nil {
		e, ok := errors.AsType[*net.OpError](err)
		return ok && e.Op == "dial"
	}
	return r.StatusCode == http.StatusTooManyRequests
}

// delayOf gives how long to wait before the next try: no less than the answer
// advises, and not the same for everybody.
func delayOf(r *http.Response, try int) time.Duration {
	delay := backoff(try)
	if r != nil {
		if advised, ok := retryAfter(r); ok {
			delay = max(delay, jittered(advised))
		}
	}
	return delay
}

// backoff gives the wait after the given number of failures: it doubles, and
// is cut by up to a half at random.
func backoff(failures int) time.Duration {
	d := min(firstBackoff<<min(failures, 16), maxBackoff)
	return d/2 + rand.N(d/2)
}

// jittered gives d with up to a quarter, or two seconds, on top.
func jittered(d time.Duration) time.Duration {
	return d + rand.N(min(d/4, 2*time.Second)+time.Millisecond)
}

// retryAfter reads the Retry-After header (RFC 9110, section 10.2.3). A date
// counts from the answer's own Date, because clocks differ.
func retryAfter(r *http.Response) (time.Duration, bool) {
	text := strings.TrimSpace(r.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxAdvice), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	from, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		from = time.Now()
	}
	return min(max(at.Sub(from), 0), maxAdvice), true
}

// pause waits for d. Its error is why ctx ended before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return causeOf(ctx)
	}
}

// causeOf gives why ctx ended, which is [context.Canceled] or
// [context.DeadlineExceeded] in any case, unless the client itself ended it.
func causeOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) || errors.Is(cause, errSilent) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// discard closes an answer that nobody reads.
func discard(r *http.Response) {
	if r != nil {
		_ = r.Body.Close()
	}
}
