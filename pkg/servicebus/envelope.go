package servicebus

import (
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// envelope makes the AMQP message of a [job.Message] in memory that it uses
// again for the next. It gives the same as [encode], by pointers to its own
// copies of all but the payload.
type envelope struct {
	message    azservicebus.AMQPAnnotatedMessage
	header     azservicebus.AMQPAnnotatedMessageHeader
	properties azservicebus.AMQPAnnotatedMessageProperties
	body       [1][]byte

	messageID, correlationID, subject, contentType string

	application map[string]any // names to pointers to texts and integers
	texts       []string
	integers    []int64
}

// More properties than a message has.
const maxProperties = 16

func newEnvelope() *envelope {
	e := &envelope{
		application: map[string]any{},
		texts:       make([]string, 0, maxProperties),
		integers:    make([]int64, 0, maxProperties),
	}
	e.message.Properties = &e.properties
	e.message.ApplicationProperties = e.application
	return e
}

// enclose gives the message that carries m. It holds m's body until e is
// emptied, and is good until e is used again.
func (e *envelope) enclose(m *job.Message) *azservicebus.AMQPAnnotatedMessage {
	e.messageID, e.correlationID, e.subject, e.contentType = m.MessageID(), m.ID.String(), m.Operation, m.ContentType
	e.properties = azservicebus.AMQPAnnotatedMessageProperties{
		MessageID:     &e.messageID,
		CorrelationID: &e.correlationID,
		Subject:       unlessEmpty(&e.subject),
		ContentType:   unlessEmpty(&e.contentType),
	}
	e.message.Header = nil
	if m.TimeToLive > 0 {
		e.header.TTL = m.TimeToLive
		e.message.Header = &e.header
	}
	e.body[0] = m.Body
	e.message.Body.Data = e.body[:]
	clear(e.application)
	e.texts, e.integers = e.texts[:0], e.integers[:0]
	m.WriteProperties(e)
	return &e.message
}

// empty lets go of the body.
func (e *envelope) empty() { e.body[0] = nil }

// WriteText implements [job.PropertyWriter].
func (e *envelope) WriteText(name, value string) {
	e.texts = append(e.texts, value)
	e.application[name] = &e.texts[len(e.texts)-1]
}

// WriteInteger implements [job.PropertyWriter].
func (e *envelope) WriteInteger(name string, value int64) {
	e.integers = append(e.integers, value)
	e.application[name] = &e.integers[len(e.integers)-1]
}

func unlessEmpty(s *string) *string {
	if *s == "" {
		return nil
	}
	return s
}
