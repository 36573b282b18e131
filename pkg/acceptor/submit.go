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
	if !a.enter() {
		return busy("Too many requests are being taken in. Try again.", nil)
	}
	defer a.leave()
	owner, err := a.options.Owner(c)
	if err != nil {
		return err
	}
	if err := a.options.Limiter.Allow(c, owner); err != nil {
		return err
	}
	o, err := a.lookup(c)
	if err != nil {
		return err
	}
	return a.take(c, o, owner)
}

// take accepts the request and answers. After a panic the intake is not used
// again.
func (a *Acceptor) take(c echo.Context, o *operation.Operation, owner string) error {
	in := idle.Get().(*intake)
	head, err := a.accept(c, in, o, owner)
	if err == nil {
		web.SetRequestGUID(c, in.message.ID) // only now: before, the id names no job
		err = a.accepted(c, in, head.variants)
	}
	in.recycle()
	return err
}

// accept checks the request and puts it into the queue. The message that is
// there it leaves in in.
func (a *Acceptor) accept(c echo.Context, in *intake, o *operation.Operation, owner string) (head, error) {
	h, err := readHead(c.Request(), o)
	if err != nil {
		return head{}, err
	}
	body, err := a.readPayload(c.Request(), in, o)
	if err != nil {
		return head{}, err
	}
	in.message = a.message(c, o, owner, h)
	if h.key == "" {
		err = a.queue(c.Request().Context(), &in.message, body)
	} else {
		err = a.queueOnce(c.Request().Context(), &in.message, body, h.key)
	}
	return h, err
}

func (a *Acceptor) statusURL(id job.ID) string {
	return a.options.StatusBaseURL + "/api/RequestStatus/" + id.String()
}

// message gives the envelope, without the payload.
func (a *Acceptor) message(c echo.Context, o *operation.Operation, owner string, h head) job.Message {
	id := a.options.Issuer.Issue(owner)
	return job.Message{
		ID:          id,
		Operation:   o.Name,
		Owner:       owner,
		StatusURL:   a.statusURL(id),
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
	if err := a.upload(ctx, m, m.ID, body); err != nil {
		return err
	}
	shortenLife(m)
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
	if !a.sendsInTime {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.options.SendTimeout)
		defer cancel()
	}
	if m.SubmittedAt.IsZero() {
		m.SubmittedAt = time.Now().UTC()
	}
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
