package queue

import "context"

// ReceiveMode says what receiving does to a message.
type ReceiveMode uint8

// The receive modes of Service Bus.
const (
	PeekLock         ReceiveMode = iota // locks it until it is settled or LockDuration has passed
	ReceiveAndDelete                    // removes it at once
)

// Consumer receives from one queue for one receiving link. Next and TryNext are for one goroutine at a time; Close may come
// from any.
type Consumer struct{}

// NewConsumer gives a consumer of the queue.
func (q *Queue) NewConsumer(mode ReceiveMode) *Consumer { panic("todo") }

// Next waits for at least one message and gives up to max that are there at once. Waiting consumers are served in the order
// in which they began to wait. When ctx ends it gives ctx's error, but a message that was already taken for this consumer
// is given rather than lost: with messages the error is always nil. It fails with [ErrDeleted], [ErrDisabled] or [ErrClosed].
func (c *Consumer) Next(ctx context.Context, max int) ([]Message, error) { panic("todo") }

// TryNext gives up to max messages that are there now, or none.
func (c *Consumer) TryNext(max int) []Message { panic("todo") }

// Close ends a waiting Next with [ErrClosed]. Locked messages stay locked until their lock ends.
func (c *Consumer) Close() { panic("todo") }
