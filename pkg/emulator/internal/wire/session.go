package wire

import (
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// session is one session. Its channel and its handles are the same in both directions. The connection's mutex guards it.
type session struct {
	conn    *conn
	channel uint16
	ending  bool // our end has been sent; all is ignored until the peer's

	nextIncomingID uint32
	incomingLeft   uint32 // transfer frames the peer may still send
	nextOutgoingID uint32
	outgoingLeft   uint32 // transfer frames we may still send

	links          map[uint32]link
	nextDeliveryID uint32
	unsettled      map[uint32]delivery // sent and not settled, by delivery-id
}

// delivery is a message that the peer has to settle. An answer to a request has no token.
type delivery struct {
	link        *outgoingLink
	token       queue.Token
	lockedUntil time.Time
}

// link is an end of a link.
type link interface {
	// handleFlow takes the peer's view of the link.
	handleFlow(p *amqp.Flow)
	// entity gives the path of the link's entity.
	entity() string
	// stop ends the link's work for good.
	stop()
	// isStopped gives whether stop has been called: all that comes for the link until the peer's detach is ignored.
	isStopped() bool
	// wakeUp makes the link look again whether it may go on.
	wakeUp()
}

// begin answers a begin performative.
func (c *conn) begin(channel uint16, r *amqp.Reader) error {
	var p amqp.Begin
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	switch {
	case channel > maxChannel:
		return failure(amqp.CondNotAllowed, "channel %d is above channel-max %d", channel, maxChannel)
	case c.sessions[channel] != nil:
		return failure(amqp.CondNotAllowed, "channel %d has a session", channel)
	case p.RemoteChannel.Set:
		return failure(amqp.CondNotAllowed, "a begin that answers none of ours")
	}
	c.sessions[channel] = &session{
		conn:           c,
		channel:        channel,
		nextIncomingID: p.NextOutgoingID,
		incomingLeft:   incomingWindow,
		outgoingLeft:   p.IncomingWindow,
		links:          make(map[uint32]link),
		unsettled:      make(map[uint32]delivery),
	}
	c.send(channel, &amqp.Begin{
		RemoteChannel:  amqp.Some(channel),
		IncomingWindow: incomingWindow,
		OutgoingWindow: incomingWindow,
		HandleMax:      amqp.Some(uint32(maxHandle)),
	})
	return nil
}

// handle handles a performative of the session. An error ends the connection.
func (s *session) handle(d amqp.Descriptor, r *amqp.Reader) error {
	if s.ending && d != amqp.DescEnd {
		return nil
	}
	switch d {
	case amqp.DescTransfer:
		return s.transfer(r)
	case amqp.DescDisposition:
		return s.disposition(r)
	case amqp.DescFlow:
		return s.flow(r)
	case amqp.DescAttach:
		return s.attach(r)
	case amqp.DescDetach:
		return s.detach(r)
	case amqp.DescEnd:
		return s.end(r)
	}
	return failure(amqp.CondNotAllowed, "performative 0x%x inside a session", uint64(d))
}

// end ends the session, on the peer's wish or after ours.
func (s *session) end(r *amqp.Reader) error {
	var p amqp.End
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	s.close()
	if !s.ending {
		s.conn.send(s.channel, &amqp.End{})
	}
	delete(s.conn.sessions, s.channel)
	return nil
}

// fail ends the session because of a mistake of the peer.
func (s *session) fail(err *amqp.Error) error {
	s.conn.log.Info("ending a session", "reason", err)
	s.close()
	s.ending = true
	s.conn.send(s.channel, &amqp.End{Error: err})
	return nil
}

// close stops all links. Messages that were delivered stay locked until their locks expire.
func (s *session) close() {
	for handle, l := range s.links {
		l.stop()
		s.forget(handle)
	}
}

// forget frees a handle.
func (s *session) forget(handle uint32) {
	delete(s.links, handle)
	s.conn.linkCount--
}

func (s *session) wakeAll() {
	for _, l := range s.links {
		l.wakeUp()
	}
}

// flow takes the peer's view of the session and of one of its links.
func (s *session) flow(r *amqp.Reader) error {
	var p amqp.Flow
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	before := s.outgoingLeft
	s.outgoingLeft = p.NextIncomingID.Value + p.IncomingWindow - s.nextOutgoingID
	if s.outgoingLeft > p.IncomingWindow { // more is under way than the window has room for
		s.outgoingLeft = 0
	}
	if before == 0 && s.outgoingLeft > 0 {
		s.wakeAll()
	}
	if !p.Handle.Set {
		if p.Echo {
			s.tellWindow()
		}
		return nil
	}
	l := s.links[p.Handle.Value]
	if l == nil {
		return s.fail(failure(amqp.CondUnattachedHandle, "a flow on handle %d, which has no link", p.Handle.Value))
	}
	if !l.isStopped() {
		l.handleFlow(&p)
	}
	return nil
}

// window gives a flow with our view of the session.
func (s *session) window() amqp.Flow {
	s.incomingLeft = incomingWindow
	return amqp.Flow{
		NextIncomingID: amqp.Some(s.nextIncomingID),
		IncomingWindow: incomingWindow,
		NextOutgoingID: s.nextOutgoingID,
		OutgoingWindow: incomingWindow,
	}
}

// tellWindow opens the window for the peer's transfers again.
func (s *session) tellWindow() {
	p := s.window()
	s.conn.send(s.channel, &p)
}

// countTransfer counts an incoming transfer frame. It gives false for one beyond the window.
func (s *session) countTransfer() bool {
	s.nextIncomingID++
	if s.incomingLeft == 0 {
		return false
	}
	s.incomingLeft--
	if s.incomingLeft < incomingWindow/2 {
		s.tellWindow()
	}
	return true
}
