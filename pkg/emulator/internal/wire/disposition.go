package wire

import (
	"slices"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// mayDeliver gives whether the peer may be sent one more message to settle. When there are too many, those that the peer
// has had its time to settle are forgotten.
func (s *session) mayDeliver() bool {
	if len(s.unsettled) < maxUnsettled {
		return true
	}
	for id, d := range s.unsettled {
		if d.link.stopped || expired(d.lockedUntil) {
			delete(s.unsettled, id)
		}
	}
	return len(s.unsettled) < maxUnsettled
}

// disposition takes the peer's outcomes for deliveries.
func (s *session) disposition(r *amqp.Reader) error {
	var p amqp.Disposition
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	if p.Role == amqp.RoleSender {
		return nil // settles what we have settled already
	}
	last := p.Last.Or(p.First)
	if p.State.Kind == 0 && !p.Settled || p.State.Kind == amqp.DescReceived {
		return nil // says nothing final
	}
	if span := int64(last - p.First); span > int64(len(s.unsettled))+linkCredit {
		s.settleKnown(&p, last)
		return nil
	}
	for id := p.First; ; id++ {
		s.settle(id, &p)
		if id == last {
			return nil
		}
	}
}

// settleKnown settles those deliveries of a wide range that are unsettled.
func (s *session) settleKnown(p *amqp.Disposition, last uint32) {
	var ids []uint32
	for id := range s.unsettled {
		if id-p.First <= last-p.First {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		s.settle(id, p)
	}
}

// settle carries out the peer's outcome for one delivery and, if the peer waits for that, settles it in turn. An outcome
// that comes too late is answered by a rejection; one for a link that has ended is ignored, as the link is.
func (s *session) settle(id uint32, p *amqp.Disposition) {
	d, ok := s.unsettled[id]
	if ok {
		delete(s.unsettled, id)
		if d.link.stopped {
			return
		}
	}
	err := error(queue.ErrLockLost)
	if ok {
		err = d.apply(&p.State)
	}
	if !p.Settled {
		s.acknowledge(amqp.RoleSender, id, confirmation(&p.State, err))
	}
}

// confirmation gives the outcome by which the broker settles a delivery. It repeats the peer's, but not the reason of a
// rejection, which the peer would take for a failure of its own.
func confirmation(outcome *amqp.State, err error) amqp.State {
	switch {
	case err != nil:
		return amqp.Rejected(amqpError(err))
	case outcome.Kind == amqp.DescModified:
		return amqp.State{Kind: amqp.DescModified, UndeliverableHere: outcome.UndeliverableHere}
	}
	return amqp.State{Kind: outcome.Kind}
}

// apply carries out an outcome. A delivery settled without one counts as accepted.
func (d *delivery) apply(state *amqp.State) error {
	if d.token == (queue.Token{}) {
		return nil
	}
	q := d.link.node.queue
	switch state.Kind {
	case amqp.DescAccepted, 0:
		return q.Complete(d.token)
	case amqp.DescReleased:
		return q.Release(d.token)
	case amqp.DescRejected:
		reason, description, properties := deadLetterReason(state.Error)
		return q.DeadLetter(d.token, reason, description, properties)
	case amqp.DescModified:
		properties := settlementProperties(state.MessageAnnotations)
		if state.UndeliverableHere {
			return q.Defer(d.token, properties)
		}
		return q.Abandon(d.token, properties)
	}
	return failure(amqp.CondNotImplemented, "delivery state 0x%x is not supported", uint64(state.Kind))
}

// deadLetterReason gives what a rejection says: reason and description from the error's info, as the SDKs send them, or
// else the error's own; everything else in the info changes properties.
func deadLetterReason(e *amqp.Error) (reason, description string, properties map[string]any) {
	if e == nil {
		return "", "", nil
	}
	reason, hasReason := e.Info.Get(queue.PropertyDeadLetterReason).(string)
	description, hasDescription := e.Info.Get(queue.PropertyDeadLetterDescription).(string)
	if !hasReason && !hasDescription && e.Condition != condDeadLetter {
		reason, description = string(e.Condition), e.Description
	}
	properties = settlementProperties(e.Info)
	delete(properties, queue.PropertyDeadLetterReason)
	delete(properties, queue.PropertyDeadLetterDescription)
	return reason, description, properties
}

// settlementProperties gives the application properties that a settlement changes, or nil.
func settlementProperties(m amqp.Map) map[string]any {
	if len(m) == 0 {
		return nil
	}
	properties := make(map[string]any, len(m))
	for _, e := range m {
		switch k := e.Key.(type) {
		case string:
			properties[k] = e.Value
		case amqp.Symbol:
			properties[string(k)] = e.Value
		}
	}
	return properties
}
