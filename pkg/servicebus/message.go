package servicebus

import (
	"bytes"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// encode gives the message that carries m. It shares m's body and nothing else:
// the SDK reads the properties of a batch's first message when it sends.
func encode(m *job.Message) *azservicebus.Message {
	return &azservicebus.Message{
		MessageID:             pointer(m.MessageID()),
		CorrelationID:         pointer(m.ID.String()),
		Subject:               pointer(m.Operation),
		ContentType:           pointer(m.ContentType),
		TimeToLive:            pointer(max(m.TimeToLive, 0)),
		Body:                  m.Body,
		ApplicationProperties: m.Properties(),
	}
}

// decode gives the delivery of a received message. One that cannot be
// understood has Err set and what could be read.
func decode(received *azservicebus.ReceivedMessage) *job.Delivery {
	d := &job.Delivery{
		Message:               job.Message{ContentType: value(received.ContentType)},
		DeliveryCount:         int(received.DeliveryCount),
		SequenceNumber:        value(received.SequenceNumber),
		EnqueuedAt:            value(received.EnqueuedTime),
		LockedUntil:           value(received.LockedUntil),
		DeadLetterReason:      value(received.DeadLetterReason),
		DeadLetterDescription: value(received.DeadLetterErrorDescription),
	}
	d.Message.TimeToLive = value(received.TimeToLive)
	d.Message.Body, d.Err = payload(received)
	if err := d.Message.ReadProperties(received.ApplicationProperties); err != nil {
		d.Err = err
	}
	return d
}

// payload gives a message's body, which is binary data, in one section or in
// several (AMQP 1.0, section 3.2.6). A program may send values instead, that
// have no bytes of their own.
func payload(received *azservicebus.ReceivedMessage) ([]byte, error) {
	if received.RawAMQPMessage == nil {
		return received.Body, nil
	}
	switch body := received.RawAMQPMessage.Body; {
	case body.Value != nil || len(body.Sequence) > 0:
		return nil, &job.Error{Code: job.CodeInvalidMessage, Message: "the message's body is not binary data"}
	case len(body.Data) > 1:
		return bytes.Join(body.Data, nil), nil
	}
	return received.Body, nil
}

// pointer gives a pointer to a copy of v, or nil for the zero value.
func pointer[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value gives what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
