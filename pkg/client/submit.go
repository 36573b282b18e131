package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Submit sends a request and gives the job that it became. A refusal is a
// [*Problem]. After any error of another kind it is unknown whether there is a
// job: the same request with the same IdempotencyKey tells, and makes one if
// there is none.
func (c *Client) Submit(ctx context.Context, r *Request) (*Job, error) {
	q, err := c.submission(r)
	if err != nil {
		return nil, err
	}
	safe := always
	if r.NoIdempotencyKey {
		safe = ifNotTaken
	}
	response, err := c.persist(ctx, func() (*http.Response, error) { return c.send(ctx, q) }, q.payload.safe(safe))
	if err != nil {
		return nil, fmt.Errorf("submit %s: %w", r.Operation, err)
	}
	if response.StatusCode != http.StatusAccepted {
		return nil, problemOf(response)
	}
	return c.accepted(response, q.url)
}

func (c *Client) submission(r *Request) (*call, error) {
	if c.acceptor == "" {
		return nil, errors.New("client: there is no acceptor to submit to")
	}
	if r.Operation == "" {
		return nil, errors.New("client: the request names no operation")
	}
	target, err := url.Parse(c.acceptor + "/api/" + url.PathEscape(r.Operation))
	if err != nil {
		return nil, err
	}
	target.RawQuery = r.Parameters.Encode()
	header, err := r.header()
	if err != nil {
		return nil, err
	}
	body, err := newPayload(r)
	if err != nil {
		return nil, fmt.Errorf("read payload: %w", err)
	}
	return &call{method: http.MethodPost, url: target, header: header, payload: body}, nil
}

// accepted reads a 202.
func (c *Client) accepted(r *http.Response, target *url.URL) (*Job, error) {
	first := &Status{}
	if err := decode(r, first); err != nil {
		return nil, err
	}
	location := cmp.Or(r.Header.Get("Location"), first.StatusURL)
	link, err := target.Parse(location)
	if err != nil || location == "" {
		return nil, fmt.Errorf("client: the acceptor's Location %q is no URL", location)
	}
	return c.newJob(link, first)
}

// Do submits a request, waits for its job, and opens the result, which the
// caller closes. How a job failed is a [*Problem]; any other error after the
// job was accepted is a [*PendingError]. opts may be nil.
func (c *Client) Do(ctx context.Context, r *Request, opts *WaitOptions) (*Result, error) {
	j, err := c.Submit(ctx, r)
	if err != nil {
		return nil, err
	}
	last, err := j.Wait(ctx, opts)
	if err != nil {
		return nil, j.pending(err)
	}
	result, err := j.open(ctx, last.Link)
	if err != nil {
		return nil, j.pending(err)
	}
	return result, nil
}

// Call submits in as JSON, waits, and gives the result, decoded from JSON. Its
// errors are those of [Client.Do]. opts may be nil.
func Call[Out any](ctx context.Context, c *Client, operation string, in any, opts *WaitOptions) (Out, error) {
	var out Out
	r, err := JSON(operation, in)
	if err != nil {
		return out, err
	}
	result, err := c.Do(ctx, r, opts)
	if err != nil {
		return out, err
	}
	err = result.JSON(&out)
	return out, err
}

// PendingError is that a call lost sight of a job, which may go on: its context
// ended, or a service could not be reached for too long.
type PendingError struct {
	Job *Job // to wait for again, or to cancel
	Err error
}

// Error names the job.
func (e *PendingError) Error() string { return fmt.Sprintf("job %s may go on: %v", e.Job.ID(), e.Err) }

// Unwrap gives why.
func (e *PendingError) Unwrap() error { return e.Err }

func (j *Job) pending(err error) error {
	if ended(err) != "" {
		return err
	}
	return &PendingError{Job: j, Err: err}
}
