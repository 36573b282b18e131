package servicebus

import (
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// encode gives the message that carries m. It shares m's body.
func encode(m *job.Message) *azservicebus.Message {
	id, correlation := m.MessageID(), m.ID.String()
	encoded := &azservicebus.Message{
		MessageID:             &id,
		CorrelationID:         &correlation,
		Body:                  m.Body,
		ApplicationProperties: m.Properties(),
	}
	if m.Operation != "" {
		encoded.Subject = &m.Operation
	}
	if m.ContentType != "" {
		encoded.ContentType = &m.ContentType
	}
	if m.TimeToLive > 0 {
		encoded.TimeToLive = &m.TimeToLive
	}
	return encoded
}

// decode gives the delivery of a received message. One that cannot be
// understood has Err set and what could be read.
func decode(received *azservicebus.ReceivedMessage) *job.Delivery {
	d := &job.Delivery{
		Message:               job.Message{Body: received.Body, ContentType: value(received.ContentType)},
		DeliveryCount:         int(received.DeliveryCount),
		SequenceNumber:        value(received.SequenceNumber),
		EnqueuedAt:            value(received.EnqueuedTime),
		LockedUntil:           value(received.LockedUntil),
		DeadLetterReason:      value(received.DeadLetterReason),
		DeadLetterDescription: value(received.DeadLetterErrorDescription),
	}
	d.Message.TimeToLive = value(received.TimeToLive)
	d.Err = d.Message.ReadProperties(received.ApplicationProperties)
	return d
}

// value gives what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
