package queue

import (
	"fmt"
	"maps"
	"time"
)

// LockLostError names the tokens whose lock is gone. It is an [ErrLockLost].
type LockLostError struct {
	Tokens []Token
}

func (e *LockLostError) Error() string {
	return fmt.Sprintf("%v: %d of them", ErrLockLost, len(e.Tokens))
}

// Unwrap gives [ErrLockLost].
func (e *LockLostError) Unwrap() error { return ErrLockLost }

// Complete removes locked messages. Those whose lock is gone are named by a [*LockLostError]; the others are completed all
// the same.
func (q *Queue) Complete(tokens ...Token) error {
	now := q.begin()
	defer q.end(now)
	var lost []Token
	for _, t := range tokens {
		m := q.holder(t)
		if m == nil {
			lost = append(lost, t)
			continue
		}
		q.unlock(m)
		q.drop(m)
	}
	if lost != nil {
		return &LockLostError{lost}
	}
	return nil
}

// Abandon ends a lock, puts the message back to its place and raises its delivery count; at MaxDeliveryCount the message is
// dead-lettered. A dead-letter queue does neither. A message that was deferred is deferred again. props, if any, overlay
// its application properties. It fails with [ErrLockLost], as do the other settlements.
func (q *Queue) Abandon(t Token, props map[string]any) error {
	return q.settle(t, func(m *Message) {
		m.overlay(props)
		q.fail(m)
	})
}

// Defer ends a lock and sets the message aside, to be had by [Queue.Receive] only.
func (q *Queue) Defer(t Token, props map[string]any) error {
	return q.settle(t, func(m *Message) {
		m.overlay(props)
		q.unlock(m)
		m.State = Deferred
	})
}

// DeadLetter moves a locked message to the dead-letter queue. An empty reason or description is left out. In a dead-letter
// queue it fails with [ErrNotAllowed].
func (q *Queue) DeadLetter(t Token, reason, description string, props map[string]any) error {
	if q.IsDeadLetter() {
		return fmt.Errorf("dead-letter in a dead-letter queue: %w", ErrNotAllowed)
	}
	return q.settle(t, func(m *Message) {
		m.overlay(props)
		q.unlock(m)
		q.moveToDeadLetter(m, reason, description)
	})
}

// Release puts a locked message back to its place as if it had not been delivered: its delivery count stays.
func (q *Queue) Release(t Token) error {
	return q.settle(t, func(m *Message) {
		q.unlock(m)
		q.putBack(m)
	})
}

// Receive takes deferred messages by sequence number, all or none. It fails with [ErrNotFound] if one is not deferred, is
// locked, or has expired: a deferred message expires only when it is asked for, as on Azure
// (https://learn.microsoft.com/azure/service-bus-messaging/message-deferral). It fails with [ErrDisabled] as Next does.
func (q *Queue) Receive(mode ReceiveMode, seq ...int64) ([]Message, error) {
	now := q.begin()
	defer q.end(now)
	if !q.properties.Status.receives() {
		return nil, ErrDisabled
	}
	asked := make(map[int64]struct{}, len(seq))
	for _, s := range seq {
		if _, twice := asked[s]; twice || !q.isReceivable(q.log.get(s), now) {
			return nil, fmt.Errorf("deferred message %d: %w", s, ErrNotFound)
		}
		asked[s] = struct{}{}
	}
	msgs := make([]Message, 0, len(seq))
	for _, s := range seq {
		msgs = append(msgs, q.deliver(q.log.get(s), mode, now))
	}
	return msgs, nil
}

func (q *Queue) isReceivable(m *Message, now time.Time) bool {
	if m == nil || m.State != Deferred || !m.LockedUntil.IsZero() {
		return false
	}
	if q.log.expires && !m.ExpiresAt.IsZero() && !m.ExpiresAt.After(now) {
		q.expire(m)
		return false
	}
	return true
}

// settle runs one settlement on the message that a token locks.
func (q *Queue) settle(t Token, do func(*Message)) error {
	now := q.begin()
	defer q.end(now)
	m := q.holder(t)
	if m == nil {
		return ErrLockLost
	}
	do(m)
	return nil
}

// fail ends a delivery that did not succeed.
func (q *Queue) fail(m *Message) {
	q.unlock(m)
	if !q.IsDeadLetter() {
		m.DeliveryCount++
		if limit := q.properties.MaxDeliveryCount; int(m.DeliveryCount) >= limit {
			q.moveToDeadLetter(m, "MaxDeliveryCountExceeded",
				fmt.Sprintf("Message could not be consumed after %d delivery attempts.", limit))
			return
		}
	}
	q.putBack(m)
}

func (q *Queue) putBack(m *Message) {
	if m.State == Active {
		q.log.setReady(m)
	}
}

// expire ends a message whose time to live has passed.
func (q *Queue) expire(m *Message) {
	if q.properties.DeadLetteringOnMessageExpiration {
		q.moveToDeadLetter(m, "TTLExpiredException", "The message expired and was dead lettered.")
		return
	}
	q.drop(m)
}

// moveToDeadLetter moves an unlocked message. It keeps its sequence number, as on Azure.
func (q *Queue) moveToDeadLetter(m *Message, reason, description string) {
	q.log.remove(m)
	why := make(map[string]any, 2)
	if reason != "" {
		why[PropertyDeadLetterReason] = reason
	}
	if description != "" {
		why[PropertyDeadLetterDescription] = description
	}
	m.overlay(why)
	m.DeadLetterSource = q.path
	m.State = Active
	q.dead.log.put(m)
	q.dead.log.setReady(m)
}

// overlay changes application properties without touching the map that earlier snapshots share.
func (m *Message) overlay(props map[string]any) {
	if len(props) == 0 {
		return
	}
	merged := make(map[string]any, len(m.Properties)+len(props))
	maps.Copy(merged, m.Properties)
	maps.Copy(merged, props)
	m.Properties = merged
}
