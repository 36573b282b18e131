package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Events of the stream. The terminal ones are named after the state.
const eventProgress = "progress"

const (
	mimeEventStream = "text/event-stream"

	// reconnectAfter is what a client waits before it reconnects, in ms.
	reconnectAfter = 1000
)

// getEvents streams the job's states as Server-Sent Events (WHATWG HTML,
// section 9.2): a progress event for each state that is seen, and one that is
// named after the state that it ends in, after which the stream ends. The id
// of an event is the tag of its state, so that a client that comes back with
// Last-Event-ID is told only what it has not heard; one that has heard the end
// gets a 204, on which browsers stop to reconnect.
func (s *Service) getEvents(c echo.Context) error {
	t, err := s.ticketOf(c)
	if err != nil {
		return err
	}
	v, err := parseVariant(c.Request())
	if err != nil {
		return err
	}
	r, err := s.lookup(c.Request().Context(), t, s.interval(t.id, s.now()))
	if err != nil {
		return err
	}
	heard := c.Request().Header.Get("Last-Event-ID")
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	if r.Status.Terminal() && heard == tag(r) {
		return c.NoContent(http.StatusNoContent)
	}
	if !s.enter() {
		return &job.Error{Code: job.CodeServerBusy, Message: "Too many listen already. Poll, or try again later."}
	}
	defer s.leave()
	stream, err := beginEvents(c)
	if err != nil {
		return err
	}
	return s.tell(stream, t, v, r, heard)
}

// tell sends r and what follows it until the job has ended, the caller is gone
// or the service closes. An error comes after the stream's beginning and so is
// for the log only; the client comes back and is told then.
func (s *Service) tell(stream *eventStream, t ticket, v variant, r job.Record, heard string) error {
	ctx := stream.context.Request().Context()
	for {
		if tag(r) != heard {
			heard = tag(r)
			if stream.event(nameOf(r), heard, s.statusOf(r, v)) != nil {
				return nil
			}
		} else if stream.comment("still here") != nil {
			return nil
		}
		if r.Status.Terminal() || s.ending(ctx.Done()) {
			return nil
		}
		var err error
		r, err = s.watch(ctx, t, r, s.options.Heartbeat, func(r job.Record) bool { return tag(r) != heard })
		if err != nil {
			return err
		}
	}
}

func (s *Service) ending(gone <-chan struct{}) bool {
	select {
	case <-gone:
	case <-s.closing:
	default:
		return false
	}
	return true
}

func nameOf(r job.Record) string {
	if r.Status.Terminal() {
		return strings.ToLower(string(r.Status))
	}
	return eventProgress
}

// eventStream writes events. Every write is bounded by the server's write
// timeout (package web), so that a client that stopped reading is let go.
type eventStream struct {
	context echo.Context
	control *http.ResponseController
}

func beginEvents(c echo.Context) (*eventStream, error) {
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, mimeEventStream)
	header.Set("X-Accel-Buffering", "no") // asks proxies to pass each event on at once
	c.Response().WriteHeader(http.StatusOK)
	stream := &eventStream{context: c, control: http.NewResponseController(c.Response())}
	return stream, stream.write(fmt.Appendf(nil, "retry: %d\n\n", reconnectAfter))
}

func (e *eventStream) event(name, id string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return e.write(fmt.Appendf(nil, "event: %s\nid: %s\ndata: %s\n\n", name, id, bytes.TrimSpace(text)))
}

func (e *eventStream) comment(text string) error {
	return e.write(fmt.Appendf(nil, ": %s\n\n", text))
}

func (e *eventStream) write(p []byte) error {
	if _, err := e.context.Response().Write(p); err != nil {
		return err
	}
	return e.control.Flush()
}
