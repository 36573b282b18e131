package queue

import (
	"container/list"
	"context"
	"time"
)

// ReceiveMode says what receiving does to a message.
type ReceiveMode uint8

// The receive modes of Service Bus.
const (
	PeekLock         ReceiveMode = iota // locks it until it is settled or LockDuration has passed
	ReceiveAndDelete                    // removes it at once
)

// Consumer receives from one queue for one receiving link. Next and TryNext are for one goroutine at a time; Close may come
// from any.
type Consumer struct {
	queue  *Queue
	mode   ReceiveMode
	served chan service // of one: what a waiting Next gets

	// Guarded by the entity's lock.
	place  *list.Element // among the waiting; nil when Next does not wait
	max    int
	closed bool
}

type service struct {
	msgs []Message
	err  error
}

// NewConsumer gives a consumer of the queue.
func (q *Queue) NewConsumer(mode ReceiveMode) *Consumer {
	return &Consumer{queue: q, mode: mode, served: make(chan service, 1)}
}

// Next waits for at least one message and gives up to max that are there at once. Waiting consumers are served in the order
// in which they began to wait. When ctx ends it gives ctx's error, but a message that was already taken for this consumer
// is given rather than lost: with messages the error is always nil. It fails with [ErrDeleted], [ErrDisabled] or [ErrClosed].
func (c *Consumer) Next(ctx context.Context, max int) ([]Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if msgs, err := c.takeOrWait(max); len(msgs) > 0 || err != nil {
		return msgs, err
	}
	select {
	case s := <-c.served:
		return s.msgs, s.err
	case <-ctx.Done():
	}
	c.queue.mu.Lock()
	waiting := c.leave()
	c.queue.mu.Unlock()
	if waiting {
		return nil, ctx.Err()
	}
	s := <-c.served
	return s.msgs, s.err
}

// takeOrWait takes what is there or else joins the waiting.
func (c *Consumer) takeOrWait(max int) ([]Message, error) {
	q := c.queue
	now := q.begin()
	defer q.end(now)
	if err := c.refused(); err != nil {
		return nil, err
	}
	if msgs := q.take(c.mode, max, now); len(msgs) > 0 {
		return msgs, nil
	}
	c.max = max
	c.place = q.waiting.PushBack(c)
	return nil, nil
}

// TryNext gives up to max messages that are there now, or none.
func (c *Consumer) TryNext(max int) []Message {
	now := c.queue.begin()
	defer c.queue.end(now)
	if c.refused() != nil {
		return nil
	}
	return c.queue.take(c.mode, max, now)
}

// Close ends a waiting Next with [ErrClosed]. Locked messages stay locked until their lock ends.
func (c *Consumer) Close() {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	c.closed = true
	if c.leave() {
		c.served <- service{err: ErrClosed}
	}
}

func (c *Consumer) refused() error {
	switch {
	case c.closed:
		return ErrClosed
	case c.queue.gone:
		return ErrDeleted
	case !c.queue.properties.Status.receives():
		return ErrDisabled
	}
	return nil
}

// leave ends waiting and tells whether the consumer did wait.
func (c *Consumer) leave() bool {
	if c.place == nil {
		return false
	}
	c.queue.waiting.Remove(c.place)
	c.place = nil
	return true
}

// dispatch gives ready messages to the waiting consumers, the longest-waiting first.
func (q *Queue) dispatch(now time.Time) {
	for q.waiting.Len() > 0 && q.log.first() != nil {
		c := q.waiting.Front().Value.(*Consumer)
		c.leave()
		c.served <- service{msgs: q.take(c.mode, c.max, now)}
	}
}

// wakeAll ends every waiting Next with an error.
func (q *Queue) wakeAll(err error) {
	for q.waiting.Len() > 0 {
		c := q.waiting.Front().Value.(*Consumer)
		c.leave()
		c.served <- service{err: err}
	}
}

// take gives up to max ready messages, locked or removed as the mode wants.
func (q *Queue) take(mode ReceiveMode, max int, now time.Time) []Message {
	if q.log.first() == nil {
		return nil
	}
	msgs := make([]Message, 0, min(max, q.log.count-q.locked.len()-q.scheduled.len()))
	for m := q.log.first(); m != nil && len(msgs) < max; m = q.log.first() {
		msgs = append(msgs, q.deliver(m, mode, now))
	}
	return msgs
}

func (q *Queue) deliver(m *Message, mode ReceiveMode, now time.Time) Message {
	if mode == ReceiveAndDelete {
		q.drop(m)
		return *m
	}
	q.log.unready(m)
	q.lock(m, now)
	return *m
}
