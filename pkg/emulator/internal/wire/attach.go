package wire

import (
	"strings"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// node is what a link is attached to.
type node struct {
	kind  nodeKind
	path  string       // of the entity; empty for $cbs
	queue *queue.Queue // nil for $cbs
}

// lookup finds the node for an address.
func (s *Server) lookup(addr string) (node, *amqp.Error) {
	path, kind := parseAddress(addr)
	if kind == nodeCBS {
		return node{kind: kind}, nil
	}
	q, ok := s.opts.Namespace.Lookup(path)
	if !ok {
		return node{}, notFound(path)
	}
	return node{kind: kind, path: q.Path(), queue: q}, nil
}

// attach answers an attach performative.
func (s *session) attach(r *amqp.Reader) error {
	var p amqp.Attach
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	c := s.conn
	switch {
	case p.Handle > maxHandle:
		return failure(amqp.CondNotAllowed, "handle %d is above handle-max %d", p.Handle, maxHandle)
	case s.links[p.Handle] != nil:
		return s.fail(failure(amqp.CondHandleInUse, "handle %d has a link", p.Handle))
	case c.linkCount >= 2*maxLinks:
		return failure(amqp.CondResourceLimitExceeded, "%d links, most of them refused", c.linkCount)
	case c.linkCount >= maxLinks:
		s.refuse(&p, failure(amqp.CondResourceLimitExceeded, "more than %d links", maxLinks))
	case p.Role == amqp.RoleSender:
		s.attachIncoming(&p)
	default:
		s.attachOutgoing(&p)
	}
	return nil
}

// add gives a handle to a link.
func (s *session) add(handle uint32, l link) {
	s.links[handle] = l
	s.conn.linkCount++
}

// refuse answers an attach with a link that has no terminus and detaches it at once (part 2, section 2.6.3).
func (s *session) refuse(p *amqp.Attach, reason *amqp.Error) {
	s.conn.log.Info("refusing a link", "link", p.Name, "reason", reason)
	answer := answerTo(p)
	answer.Source, answer.Target = nil, nil
	s.add(p.Handle, &refusedLink{})
	s.conn.send(s.channel, answer)
	s.conn.send(s.channel, &amqp.Detach{Handle: p.Handle, Closed: true, Error: reason})
}

// answerTo gives an attach that grants what the peer's asks for. SDKs refuse one that does not echo the settle modes.
func answerTo(p *amqp.Attach) *amqp.Attach {
	answer := &amqp.Attach{
		Name:               p.Name,
		Handle:             p.Handle,
		Role:               !p.Role,
		SenderSettleMode:   p.SenderSettleMode,
		ReceiverSettleMode: p.ReceiverSettleMode,
		Source:             p.Source,
		Target:             p.Target,
	}
	if p.Role == amqp.RoleReceiver {
		answer.InitialDeliveryCount = amqp.Some(uint32(0))
	}
	return answer
}

// attachIncoming answers a peer that wants to send.
func (s *session) attachIncoming(p *amqp.Attach) {
	reason := checkModes(p)
	switch {
	case reason != nil:
	case p.Target == nil:
		reason = failure(amqp.CondInvalidField, "an attach without a target")
	case p.Target.Coordinator:
		reason = failure(amqp.CondNotImplemented, "transactions are not supported")
	case p.Target.Dynamic:
		reason = failure(amqp.CondNotImplemented, "dynamic nodes are not supported")
	}
	var n node
	if reason == nil {
		n, reason = s.conn.server.lookup(p.Target.Address.Value)
	}
	if reason != nil {
		s.refuse(p, reason)
		return
	}
	l := newIncomingLink(s, p, n)
	s.add(p.Handle, l)
	answer := answerTo(p)
	answer.MaxMessageSize = amqp.Some(uint64(l.maxSize))
	s.conn.send(s.channel, answer)
	l.grantCredit()
}

// attachOutgoing answers a peer that wants to receive.
func (s *session) attachOutgoing(p *amqp.Attach) {
	reason := checkModes(p)
	switch {
	case reason != nil:
	case p.Source == nil:
		reason = failure(amqp.CondInvalidField, "an attach without a source")
	case p.Source.Dynamic:
		reason = failure(amqp.CondNotImplemented, "dynamic nodes are not supported")
	case wantsSession(p.Source.Filter):
		reason = failure(amqp.CondNotAllowed, "sessions are not supported: no entity requires them")
	}
	var n node
	if reason == nil {
		n, reason = s.conn.server.lookup(p.Source.Address.Value)
	}
	if reason != nil {
		s.refuse(p, reason)
		return
	}
	l := newOutgoingLink(s, p, n)
	s.add(p.Handle, l)
	s.conn.send(s.channel, answerTo(p))
	s.conn.links.Go(l.run)
}

// checkModes gives an error for settle modes that do not exist.
func checkModes(p *amqp.Attach) *amqp.Error {
	if p.SenderSettleMode.Value > amqp.SenderMixed || p.ReceiverSettleMode.Value > amqp.ReceiverSecond {
		return failure(amqp.CondInvalidField, "settle modes %d and %d", p.SenderSettleMode.Value, p.ReceiverSettleMode.Value)
	}
	return nil
}

// wantsSession gives whether a source's raw filter asks for a session of Service Bus.
func wantsSession(filter []byte) bool {
	if filter == nil {
		return false
	}
	r := amqp.NewReader(filter)
	m, _ := r.Value().(amqp.Map)
	for _, e := range m {
		if e.Key == amqp.Symbol("com.microsoft:session-filter") {
			return true
		}
	}
	return false
}

// detach answers a detach performative, or takes note of the answer to ours.
func (s *session) detach(r *amqp.Reader) error {
	var p amqp.Detach
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	l := s.links[p.Handle]
	if l == nil {
		return s.fail(failure(amqp.CondUnattachedHandle, "a detach on handle %d, which has no link", p.Handle))
	}
	if !l.isStopped() {
		l.stop()
		s.conn.send(s.channel, &amqp.Detach{Handle: p.Handle, Closed: p.Closed})
	}
	s.forget(p.Handle)
	return nil
}

// closeLink ends a link on the broker's own account.
func (s *session) closeLink(handle uint32, l link, reason *amqp.Error) {
	if l.isStopped() {
		return
	}
	s.conn.log.Info("closing a link", "entity", l.entity(), "reason", reason)
	l.stop()
	s.conn.send(s.channel, &amqp.Detach{Handle: handle, Closed: true, Error: reason})
}

// detachEntity closes all links to an entity and gives their number.
func (c *conn) detachEntity(path string, reason *amqp.Error) int {
	n := 0
	for _, s := range c.sessions {
		for handle, l := range s.links {
			if !s.ending && !l.isStopped() && strings.EqualFold(l.entity(), path) {
				s.closeLink(handle, l, reason)
				n++
			}
		}
	}
	return n
}

// refusedLink is a link that was never established and waits for the peer's detach.
type refusedLink struct{}

func (*refusedLink) handleFlow(*amqp.Flow) {}
func (*refusedLink) entity() string        { return "" }
func (*refusedLink) stop()                 {}
func (*refusedLink) isStopped() bool       { return true }
func (*refusedLink) wakeUp()               {}
