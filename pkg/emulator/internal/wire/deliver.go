package wire

import (
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// frameOverhead is more than a transfer frame takes beside its payload.
const frameOverhead = 64

// deliver sends messages that were taken from the queue. Those it cannot send go back to their places.
func (l *outgoingLink) deliver(msgs []queue.Message) {
	if len(msgs) == 0 {
		return
	}
	c := l.session.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range msgs {
		if !l.deliverOne(&msgs[i]) {
			for _, m := range msgs[i:] {
				_ = l.node.queue.Release(m.LockToken)
			}
			break
		}
	}
	c.flush()
}

// deliverOne sends one message. It gives false, with the message not sent, when the link has ended or has lost its credit.
func (l *outgoingLink) deliverOne(m *queue.Message) bool {
	if !l.awaitTurn() || l.credit == 0 {
		return false
	}
	if expired(m.LockedUntil) || l.settled && l.node.queue.Complete(m.LockToken) != nil {
		return true // it had to wait too long, and is somebody else's now
	}
	s := l.session
	if l.settled {
		m.LockedUntil = time.Time{}
		return l.sendMessage(m)
	}
	if !l.sendMessage(m) {
		return false
	}
	s.unsettled[s.nextDeliveryID-1] = delivery{link: l, token: m.LockToken, lockedUntil: m.LockedUntil}
	s.conn.out.took(l.node.queue, m.LockToken)
	return true
}

// awaitTurn waits until a frame may be sent. It gives false when the link has ended.
func (l *outgoingLink) awaitTurn() bool {
	for !l.ended() && !l.canSend() {
		l.wait()
	}
	return !l.ended()
}

// sendMessage sends a message as one delivery. The mutex may be released meanwhile.
func (l *outgoingLink) sendMessage(m *queue.Message) bool {
	l.tag = tag(m.LockToken)
	c := l.session.conn
	kept := m.Content.(*content)
	size := len(kept.tail) + len(kept.annotations) + len(m.DeadLetterSource) + encodedOverhead
	if m.Properties != nil || size+frameOverhead > c.peerFrameSize {
		l.scratch = appendMessage(l.scratch[:0], m, false)
		sent := l.sendBytes(l.tag[:], l.scratch)
		if cap(l.scratch) > keptBuffer {
			l.scratch = nil
		}
		return sent
	}
	if !c.pass() {
		return false
	}
	start := l.beginTransfer(l.tag[:], true, false)
	c.out.buf = amqp.FinishFrame(appendMessage(c.out.buf, m, false), start)
	l.endDelivery()
	return true
}

// sendBytes sends an encoded message as one delivery in as many frames as it takes.
func (l *outgoingLink) sendBytes(id, payload []byte) bool {
	c := l.session.conn
	for first, more := true, true; more; first = false {
		if !l.awaitTurn() || !c.pass() {
			return false
		}
		n := min(len(payload), c.peerFrameSize-frameOverhead)
		more = n < len(payload)
		start := l.beginTransfer(id, first, more)
		c.out.buf = amqp.FinishFrame(append(c.out.buf, payload[:n]...), start)
		payload = payload[n:]
	}
	l.endDelivery()
	return true
}

// beginTransfer appends the header of a transfer frame, to be finished by its payload, and gives where the frame starts.
func (l *outgoingLink) beginTransfer(id []byte, first, more bool) int {
	s := l.session
	p := amqp.Transfer{Handle: l.handle, More: more, Settled: l.settled}
	if first {
		p.DeliveryID, p.DeliveryTag, p.MessageFormat = amqp.Some(s.nextDeliveryID), id, amqp.Some(uint32(0))
		s.nextDeliveryID++
	}
	s.nextOutgoingID++
	s.outgoingLeft--
	b, start := amqp.AppendFrameHeader(s.conn.out.buf, amqp.FrameAMQP, s.channel)
	s.conn.out.buf = p.Append(b)
	return start
}

func (l *outgoingLink) endDelivery() {
	l.deliveryCount++
	l.credit--
}
