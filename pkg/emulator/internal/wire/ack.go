package wire

import "github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"

// ack is a settlement that has yet to be told to the peer, and that may cover several deliveries in a row.
type ack struct {
	session     *session // nil when there is none
	role        amqp.Role
	first, last uint32
	state       amqp.State
}

// How many deliveries one disposition settles: those sent by the peer, and those sent to it, for which go-amqp takes time
// that grows with the square of their number.
const (
	maxAckRange       = 256
	maxSenderAckRange = 10
)

// acknowledge settles a delivery towards the peer. Equal outcomes of deliveries in a row go into one disposition.
func (s *session) acknowledge(role amqp.Role, id uint32, state amqp.State) {
	a := &s.conn.ack
	limit := uint32(maxAckRange)
	if role == amqp.RoleSender {
		limit = maxSenderAckRange
	}
	if a.session == s && a.role == role && id == a.last+1 && id != 0 && id-a.first < limit && plain(a.state, state) {
		a.last = id
		return
	}
	s.conn.emitAck()
	*a = ack{session: s, role: role, first: id, last: id, state: state}
}

// plain gives whether two states are the same one of those without fields.
func plain(a, b amqp.State) bool {
	return a.Kind == b.Kind && (a.Kind == amqp.DescAccepted || a.Kind == amqp.DescReleased)
}

// emitAck appends the disposition that waits, if any.
func (c *conn) emitAck() {
	a := c.ack
	if a.session == nil {
		return
	}
	c.ack = ack{}
	if a.session.ending {
		return
	}
	p := amqp.Disposition{Role: a.role, First: a.first, Settled: true, State: a.state}
	if a.last != a.first {
		p.Last = amqp.Some(a.last)
	}
	c.sendNow(a.session.channel, &p)
}
