package wire

import (
	"math"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

func renewLock(q *queue.Queue, body amqp.Map) ([]byte, error) {
	list, err := tokens(body)
	if err != nil {
		return nil, err
	}
	until := make([]time.Time, len(list))
	for i, t := range list {
		if until[i], err = q.Renew(t); err != nil {
			return nil, err
		}
	}
	b, start := field("expirations")
	return amqp.EndMap(amqp.AppendTimestamps(b, until), start, 1), nil
}

// peek answers with the messages from a sequence number on, or nil when there is none.
func peek(q *queue.Queue, body amqp.Map) ([]byte, error) {
	from, ok := integer(body.Get("from-sequence-number"))
	if !ok {
		return nil, badArgument("from-sequence-number")
	}
	count, ok := integer(body.Get("message-count"))
	if !ok || count < 1 {
		return nil, badArgument("message-count")
	}
	msgs := q.Peek(from, int(min(count, maxPeekMessages)))
	if len(msgs) == 0 {
		return nil, nil
	}
	return encodeMessages(msgs, maxPeekBytes, func(b []byte, m *queue.Message) ([]byte, int) {
		m.LockedUntil = time.Time{}
		return appendEncoded(b, m, false), 1
	}), nil
}

// encodeMessages gives a map with a list of messages, of which entry appends the pairs and gives their number. It stops
// when the messages have more than limit bytes.
func encodeMessages(msgs []queue.Message, limit int, entry func([]byte, *queue.Message) ([]byte, int)) []byte {
	b, start := field("messages")
	b, list := amqp.BeginList(b)
	n := 0
	for n < len(msgs) && len(b) < limit {
		var pairs, at int
		b, at = amqp.BeginMap(b)
		b, pairs = entry(b, &msgs[n])
		b = amqp.EndMap(b, at, pairs)
		n++
	}
	return amqp.EndMap(amqp.EndList(b, list, n), start, 1)
}

// appendEncoded appends the pair that holds an encoded message.
func appendEncoded(b []byte, m *queue.Message, withToken bool) []byte {
	return amqp.AppendBinary(amqp.AppendString(b, "message"), appendMessage(nil, m, withToken))
}

func schedule(q *queue.Queue, body amqp.Map) ([]byte, error) {
	var msgs []*queue.Message
	for _, v := range items(body.Get("messages")) {
		entry, _ := v.(amqp.Map)
		encoded, ok := entry.Get("message").([]byte)
		if !ok {
			return nil, badArgument("message")
		}
		m, err := parseMessage(encoded)
		if err != nil {
			return nil, err
		}
		if m.ScheduledEnqueueTime.IsZero() {
			return nil, badArgument(keyScheduledEnqueueTime)
		}
		msgs = append(msgs, m)
	}
	if len(msgs) == 0 {
		return nil, badArgument("messages")
	}
	numbers, err := q.Schedule(msgs...)
	if err != nil {
		return nil, err
	}
	b, start := field("sequence-numbers")
	return amqp.EndMap(amqp.AppendLongs(b, numbers), start, 1), nil
}

func cancelScheduled(q *queue.Queue, body amqp.Map) error {
	numbers, err := longs(body, "sequence-numbers")
	if err != nil {
		return err
	}
	return q.CancelScheduled(numbers...)
}

func receiveBySequence(q *queue.Queue, body amqp.Map) ([]byte, error) {
	numbers, err := longs(body, "sequence-numbers")
	if err != nil {
		return nil, err
	}
	settleMode, ok := integer(body.Get("receiver-settle-mode"))
	if !ok {
		return nil, badArgument("receiver-settle-mode")
	}
	msgs, err := q.Receive(queue.PeekLock, numbers...)
	if err != nil {
		return nil, err
	}
	if err := checkReplySize(q, msgs); err != nil {
		return nil, err
	}
	if settleMode == int64(amqp.ReceiverFirst) {
		return deleteAndEncode(q, msgs)
	}
	return encodeMessages(msgs, math.MaxInt, func(b []byte, m *queue.Message) ([]byte, int) {
		b = amqp.AppendUUID(amqp.AppendString(b, "lock-token"), amqp.UUID(m.LockToken))
		return appendEncoded(b, m, true), 2
	}), nil
}

// checkReplySize gives an error, and the messages back to the queue, when they are too much for one answer.
func checkReplySize(q *queue.Queue, msgs []queue.Message) error {
	size := 0
	for i := range msgs {
		size += msgs[i].Size + encodedOverhead
	}
	if size <= maxReplyBytes || len(msgs) == 1 {
		return nil
	}
	for i := range msgs {
		_ = q.Release(msgs[i].LockToken)
	}
	return failure(amqp.CondResourceLimitExceeded, "%d messages have %d bytes, and an answer %d", len(msgs), size, maxReplyBytes)
}

// deleteAndEncode removes messages that have just been locked and gives them as an answer without tokens.
func deleteAndEncode(q *queue.Queue, msgs []queue.Message) ([]byte, error) {
	for i := range msgs {
		if err := q.Complete(msgs[i].LockToken); err != nil {
			return nil, err
		}
		msgs[i].LockedUntil = time.Time{}
	}
	return encodeMessages(msgs, math.MaxInt, func(b []byte, m *queue.Message) ([]byte, int) {
		return appendEncoded(b, m, false), 1
	}), nil
}

func updateDisposition(q *queue.Queue, body amqp.Map) error {
	list, err := tokens(body)
	if err != nil {
		return err
	}
	settle, err := settlement(q, body)
	if err != nil {
		return err
	}
	for _, t := range list {
		if err := settle(t); err != nil {
			return err
		}
	}
	return nil
}

// settlement gives what an update of a disposition does to each of its locks.
func settlement(q *queue.Queue, body amqp.Map) (func(queue.Token) error, error) {
	changes, _ := body.Get("properties-to-modify").(amqp.Map)
	properties := settlementProperties(changes)
	switch status, _ := body.Get("disposition-status").(string); status {
	case "completed":
		return func(t queue.Token) error { return q.Complete(t) }, nil
	case "abandoned":
		return func(t queue.Token) error { return q.Abandon(t, properties) }, nil
	case "defered", "deferred": // Service Bus itself spells it with one r
		return func(t queue.Token) error { return q.Defer(t, properties) }, nil
	case "suspended":
		reason, _ := body.Get("deadletter-reason").(string)
		description, _ := body.Get("deadletter-description").(string)
		return func(t queue.Token) error { return q.DeadLetter(t, reason, description, properties) }, nil
	}
	return nil, badArgument("disposition-status")
}
