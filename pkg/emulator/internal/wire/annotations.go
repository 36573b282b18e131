package wire

import (
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Annotations of Service Bus
// (https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide#message-annotations).
const (
	keyScheduledEnqueueTime   = "x-opt-scheduled-enqueue-time"
	keySequenceNumber         = "x-opt-sequence-number"
	keyEnqueuedSequenceNumber = "x-opt-enqueue-sequence-number"
	keyEnqueuedTime           = "x-opt-enqueued-time"
	keyLockedUntil            = "x-opt-locked-until"
	keyDeadLetterSource       = "x-opt-deadletter-source"
	keyMessageState           = "x-opt-message-state"
	keyLockToken              = "x-opt-lock-token"
)

// setByBroker gives whether an annotation of this name is the broker's to set.
func setByBroker(name []byte) bool {
	switch string(name) {
	case keySequenceNumber, keyEnqueuedSequenceNumber, keyEnqueuedTime, keyLockedUntil, keyDeadLetterSource, keyMessageState:
		return true
	}
	return false
}

// keepAnnotations keeps those of the sender's message annotations that are delivered, and follows those that ask for something.
func (s *stored) keepAnnotations(raw []byte) error {
	if raw == nil {
		return nil
	}
	r := amqp.NewReader(raw)
	pairs, n := r.OpenMap()
	for range n {
		key, value := pairs.Raw(), pairs.Raw()
		name := amqp.RawText(key)
		if setByBroker(name) {
			continue
		}
		if string(name) == keyScheduledEnqueueTime {
			v := amqp.NewReader(value)
			s.message.ScheduledEnqueueTime, _ = v.Value().(time.Time)
		}
		s.content.annotations = append(append(s.content.annotations, key...), value...)
		s.content.pairs++
	}
	return r.Err()
}

// appendAnnotations appends the message annotations section with which a message is delivered.
func appendAnnotations(b []byte, m *queue.Message, c *content) []byte {
	b, start := amqp.BeginMap(amqp.AppendDescriptor(b, amqp.DescMessageAnnotations))
	pairs := c.pairs + 4
	b = append(b, c.annotations...)
	b = amqp.AppendTimestamp(amqp.AppendSymbol(b, keyEnqueuedTime), m.EnqueuedTime)
	b = amqp.AppendLong(amqp.AppendSymbol(b, keySequenceNumber), m.SequenceNumber)
	b = amqp.AppendLong(amqp.AppendSymbol(b, keyEnqueuedSequenceNumber), m.EnqueuedSequenceNumber)
	b = amqp.AppendInt(amqp.AppendSymbol(b, keyMessageState), int32(m.State))
	if !m.LockedUntil.IsZero() {
		b = amqp.AppendTimestamp(amqp.AppendSymbol(b, keyLockedUntil), m.LockedUntil)
		pairs++
	}
	if m.DeadLetterSource != "" {
		b = amqp.AppendString(amqp.AppendSymbol(b, keyDeadLetterSource), m.DeadLetterSource)
		pairs++
	}
	return amqp.EndMap(b, start, pairs)
}
