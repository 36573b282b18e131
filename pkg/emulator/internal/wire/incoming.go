package wire

import (
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
)

// incomingLink is a link on which the peer sends, to a queue or to a node that answers requests.
type incomingLink struct {
	session *session
	handle  uint32
	node    node
	maxSize int // bytes of one message or batch
	stopped bool

	credit        uint32 // messages the peer may still send
	deliveryCount uint32

	// The delivery that is coming in.
	receiving  bool
	deliveryID uint32
	format     uint32
	settled    bool
	buf        []byte // of a delivery in several frames
	size       int    // bytes received, kept or not
}

func newIncomingLink(s *session, p *amqp.Attach, n node) *incomingLink {
	l := &incomingLink{session: s, handle: p.Handle, node: n, maxSize: maxRequestSize}
	l.deliveryCount = p.InitialDeliveryCount.Value
	if n.queue != nil {
		l.maxSize = n.queue.Properties().MaxMessageSizeInKilobytes << 10
		if n.kind == nodeManagement {
			l.maxSize += maxRequestSize
		}
	}
	return l
}

func (l *incomingLink) entity() string  { return l.node.path }
func (l *incomingLink) isStopped() bool { return l.stopped }
func (l *incomingLink) wakeUp()         {}

func (l *incomingLink) stop() {
	l.stopped = true
	l.reset()
}

// reset ends the delivery that was coming in.
func (l *incomingLink) reset() {
	l.dropBuffer()
	l.receiving = false
}

func (l *incomingLink) dropBuffer() {
	l.session.conn.assembling -= len(l.buf)
	l.buf = nil
}

// fail closes the link because of a mistake of the peer.
func (l *incomingLink) fail(err *amqp.Error) {
	l.session.closeLink(l.handle, l, err)
}

// grantCredit lets the peer send more messages.
func (l *incomingLink) grantCredit() {
	l.credit = linkCredit
	l.tellFlow()
}

func (l *incomingLink) tellFlow() {
	p := l.session.window()
	p.Handle = amqp.Some(l.handle)
	p.DeliveryCount = amqp.Some(l.deliveryCount)
	p.LinkCredit = amqp.Some(l.credit)
	l.session.conn.send(l.session.channel, &p)
}

// handleFlow takes the sender's view, whose delivery-count counts (part 2, section 2.6.7).
func (l *incomingLink) handleFlow(p *amqp.Flow) {
	if p.DeliveryCount.Set && !l.receiving {
		used := p.DeliveryCount.Value - l.deliveryCount
		l.credit -= min(used, l.credit)
		l.deliveryCount = p.DeliveryCount.Value
	}
	if p.Echo || l.credit < linkCredit/2 {
		l.grantCredit()
	}
}

// transfer takes a transfer frame.
func (s *session) transfer(r *amqp.Reader) error {
	var p amqp.Transfer
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	if !s.countTransfer() {
		return s.fail(failure(amqp.CondWindowViolation, "a transfer beyond the incoming window"))
	}
	l := s.links[p.Handle]
	if l == nil {
		return s.fail(failure(amqp.CondUnattachedHandle, "a transfer on handle %d, which has no link", p.Handle))
	}
	if l.isStopped() {
		return nil
	}
	in, ok := l.(*incomingLink)
	if !ok {
		return s.fail(failure(amqp.CondErrantLink, "a transfer on handle %d, on which the peer receives", p.Handle))
	}
	return in.transfer(&p, r.Rest())
}

// transfer takes one frame of a delivery.
func (l *incomingLink) transfer(p *amqp.Transfer, payload []byte) error {
	if !l.receiving && !l.start(p) {
		return nil
	}
	l.settled = l.settled || p.Settled
	if p.Aborted {
		l.reset()
		l.count()
		return nil
	}
	l.size += len(payload)
	if l.size > l.maxSize {
		l.dropBuffer() // the rest is read over
	} else if p.More {
		return l.gather(payload)
	}
	if p.More {
		return nil
	}
	if len(l.buf) == 0 {
		l.finish(payload)
		return nil
	}
	whole := append(l.buf, payload...)
	l.finish(whole)
	l.session.conn.keepBuffer(whole)
	return nil
}

// finish ends the delivery, all of which is payload.
func (l *incomingLink) finish(payload []byte) {
	l.reset()
	l.count()
	l.accept(payload)
}

// start takes note of what the first frame of a delivery says. It gives false when there must not be one.
func (l *incomingLink) start(p *amqp.Transfer) bool {
	switch {
	case !p.DeliveryID.Set:
		l.fail(failure(amqp.CondInvalidField, "a transfer without a delivery-id"))
		return false
	case l.credit == 0:
		l.fail(failure(amqp.CondTransferLimitExceeded, "a message without credit"))
		return false
	}
	l.receiving, l.settled, l.size = true, false, 0
	l.deliveryID, l.format = p.DeliveryID.Value, p.MessageFormat.Value
	return true
}

// gather keeps a frame until the rest of its delivery has come.
func (l *incomingLink) gather(payload []byte) error {
	c := l.session.conn
	if c.assembling+len(payload) > maxAssembling+2*l.maxSize {
		return failure(amqp.CondResourceLimitExceeded, "too many bytes of messages that are not complete")
	}
	c.assembling += len(payload)
	if l.buf == nil {
		l.buf, c.spare = c.spare, nil
	}
	l.buf = append(l.buf, payload...)
	return nil
}

// keepBuffer keeps the memory of a delivery in several frames for the next one.
func (c *conn) keepBuffer(b []byte) {
	if cap(b) <= keptBuffer {
		c.spare = b[:0]
	}
}

// count takes note that a delivery has ended.
func (l *incomingLink) count() {
	l.deliveryCount++
	l.credit--
	if l.credit < linkCredit/2 {
		l.grantCredit()
	}
}

// accept takes a whole delivery to where it belongs and settles it.
func (l *incomingLink) accept(payload []byte) {
	var reason *amqp.Error
	switch {
	case l.size > l.maxSize:
		reason = failure(amqp.CondMessageSizeExceeded,
			"The message has %d bytes, and '%s' allows %d.", l.size, l.node.path, l.maxSize)
	case l.node.kind == nodeEntity:
		reason = l.enqueue(payload)
	default:
		reason = l.request(payload)
	}
	switch {
	case l.stopped:
	case reason == nil:
		if !l.settled {
			l.session.acknowledge(amqp.RoleReceiver, l.deliveryID, amqp.Accepted)
		}
	case l.settled, reason.Condition == amqp.CondResourceDeleted:
		l.fail(reason)
	default:
		l.session.acknowledge(amqp.RoleReceiver, l.deliveryID, amqp.Rejected(reason))
	}
}
