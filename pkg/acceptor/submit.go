package acceptor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// submit answers POST /api/{operation}.
func (a *Acceptor) submit(c echo.Context) error {
	owner, err := a.options.Owner(c)
	if err != nil {
		return err
	}
	o, err := a.lookup(c)
	if err != nil {
		return err
	}
	head, err := readHead(c.Request(), o)
	if err != nil {
		return err
	}
	body, err := a.readPayload(c.Request(), o)
	if err != nil {
		return err
	}
	m := a.message(c, o, owner, head)
	if err := a.queue(c.Request().Context(), m, body); err != nil {
		return err // without the id: it names no job
	}
	web.SetRequestGUID(c, m.ID)
	return a.accepted(c, m, head.variants)
}

// message gives the envelope, without the payload.
func (a *Acceptor) message(c echo.Context, o *operation.Operation, owner string, h head) *job.Message {
	id := a.options.Issuer.Issue(owner)
	return &job.Message{
		ID:          id,
		Operation:   o.Name,
		Owner:       owner,
		StatusURL:   a.options.StatusBaseURL + "/api/RequestStatus/" + id.String(),
		Query:       h.query,
		ContentType: h.contentType,
		Attempt:     1,
		TimeToLive:  o.QueueTimeout,
		TraceParent: web.TraceParent(c),
		TraceState:  web.TraceState(c),
	}
}

// queue sends the message with its payload, or with the claim check of it.
func (a *Acceptor) queue(ctx context.Context, m *job.Message, body payload) error {
	if body.rest == nil && len(body.head) <= a.options.InlineLimit {
		m.Body = body.head
		err := a.send(ctx, m)
		if !errors.Is(err, job.ErrTooLarge) {
			return err
		}
		m.Body = nil // this queue takes less than the inline limit
	}
	if err := a.upload(ctx, m, body); err != nil {
		return err
	}
	err := a.send(ctx, m)
	if err != nil {
		// The message may be there all the same if the outcome is unknown.
		// Without its payload it will not be worked on: the caller was told no.
		a.discard(ctx, m.PayloadBlob)
	}
	return err
}

// send gives nil if the message is in the queue. An error in another form
// than 503 would be a statement about the request, which was found to be good;
// only "too large" is left to queue.
func (a *Acceptor) send(ctx context.Context, m *job.Message) error {
	ctx, cancel := context.WithTimeout(ctx, a.options.SendTimeout)
	defer cancel()
	m.SubmittedAt = time.Now().UTC()
	err := a.options.Sender.Send(ctx, m)
	if err == nil {
		return nil
	}
	if errors.Is(err, job.ErrTooLarge) && m.PayloadBlob == "" {
		return job.ErrTooLarge
	}
	return busy("The request could not be queued and was not accepted. Try again.",
		fmt.Errorf("send message %s: %w", m.ID, err))
}
