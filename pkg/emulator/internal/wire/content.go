package wire

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// batchFormat is the message format of a transfer whose data sections are encoded messages.
const batchFormat = 0x80013700

// content is what a queue keeps of a message: its sections, still encoded. It is not changed once it is queued.
type content struct {
	header      amqp.Header
	annotations []byte // keys and values of the sender's message annotations, less those the broker sets
	pairs       int    // in annotations
	tail        []byte // all sections from properties on
	appStart    int    // in tail, of the application properties section
	appEnd      int    // where it ends; equal to appStart when there is none
}

// smallestSize is what the smallest message counts against a queue's quota, so that no number of empty ones is free.
const smallestSize = 64

// stored keeps a message and its content in one allocation.
type stored struct {
	message queue.Message
	content content
}

// enqueue sends one message or a batch to the link's queue.
func (l *incomingLink) enqueue(payload []byte) *amqp.Error {
	if l.format != batchFormat {
		m, err := parseMessage(payload)
		if err == nil {
			err = l.node.queue.Send(m)
		}
		return errorOrNil(err)
	}
	msgs, err := parseBatch(payload)
	if err == nil {
		err = l.node.queue.Send(msgs...)
	}
	return errorOrNil(err)
}

func errorOrNil(err error) *amqp.Error {
	if err == nil {
		return nil
	}
	return amqpError(err)
}

// parseBatch takes a batch apart. The sections of the batch itself, other than its data, say nothing.
func parseBatch(payload []byte) ([]*queue.Message, error) {
	batch, err := amqp.ReadMessage(payload)
	if err != nil {
		return nil, err
	}
	var msgs []*queue.Message
	for r := amqp.NewReader(batch.Body); r.Len() > 0; {
		encoded := r.NextData()
		if r.Err() != nil {
			return nil, r.Err()
		}
		m, err := parseMessage(encoded)
		if err != nil {
			return nil, err
		}
		msgs = append(msgs, m)
	}
	return msgs, nil
}

// parseMessage gives the message for an encoded one, of which it keeps a copy.
func parseMessage(encoded []byte) (*queue.Message, error) {
	sections, err := amqp.ReadMessage(encoded)
	if err != nil {
		return nil, err
	}
	properties, err := amqp.ReadProperties(sections.Properties)
	if err != nil {
		return nil, err
	}
	s := new(stored)
	s.content.header = sections.Header
	if err := s.keepAnnotations(sections.MessageAnnotations); err != nil {
		return nil, err
	}
	s.message.ID = messageID(properties.MessageID)
	s.content.keepTail(&sections, &properties, &s.message.ID)
	s.message.TimeToLive = timeToLive(&sections.Header, &properties)
	s.message.Size = max(len(encoded), smallestSize)
	s.message.Content = &s.content
	return &s.message, nil
}

// keepTail copies the sections that are delivered as they came, with a message-id filled in if there is none.
func (c *content) keepTail(m *amqp.Message, p *amqp.Properties, id *string) {
	const sectionHeader = 3
	size := len(m.Properties) + len(m.ApplicationProperties) + len(m.Body) + len(m.Footer) + 2*sectionHeader
	if *id == "" {
		*id = newMessageID()
		c.tail = p.AppendWithID(make([]byte, 0, size+64), *id)
	} else {
		c.tail = amqp.AppendSection(make([]byte, 0, size), amqp.DescProperties, m.Properties)
	}
	c.appStart = len(c.tail)
	if m.ApplicationProperties != nil {
		c.tail = amqp.AppendSection(c.tail, amqp.DescApplicationProperties, m.ApplicationProperties)
	}
	c.appEnd = len(c.tail)
	c.tail = append(append(c.tail, m.Body...), m.Footer...)
}

// messageID gives the text by which a message-id of any type is compared.
func messageID(id any) string {
	switch v := id.(type) {
	case string:
		return v
	case uint64:
		return strconv.FormatUint(v, 10)
	case amqp.UUID:
		return formatUUID(v)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	return ""
}

func formatUUID(u amqp.UUID) string {
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// newMessageID gives an identifier as Service Bus makes them: a GUID without hyphens.
func newMessageID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// timeToLive gives how long a message lives, or 0 if its sender did not say. A time too long for the header's field comes
// as a pair of times.
func timeToLive(h *amqp.Header, p *amqp.Properties) time.Duration {
	if p.AbsoluteExpiryTime.Set && p.CreationTime.Set {
		if d := p.AbsoluteExpiryTime.Value.Sub(p.CreationTime.Value); d > 0 {
			return d
		}
	}
	return time.Duration(h.TTL.Value) * time.Millisecond
}
