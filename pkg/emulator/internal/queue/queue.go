// Package queue is the engine of the broker: queues with the semantics of Azure Service Bus, in memory, without a protocol.
package queue

import "time"

// Queue is a queue or a dead-letter queue. It is safe for concurrent use.
type Queue struct{}

// Path gives the queue's name, with "/$DeadLetterQueue" at its end for a dead-letter queue.
func (q *Queue) Path() string { panic("todo") }

// Properties gives the description in force, with defaults filled in.
func (q *Queue) Properties() Properties { panic("todo") }

// Runtime gives the queue's counts and times.
func (q *Queue) Runtime() RuntimeProperties { panic("todo") }

// Deleted is closed when the queue has been deleted or its namespace closed, for links to end themselves.
func (q *Queue) Deleted() <-chan struct{} { panic("todo") }

// Send enqueues all messages or none, those with a ScheduledEnqueueTime to come as scheduled ones. A duplicate within the
// duplicate-detection window is accepted and dropped. It fails with [ErrTooLarge], [ErrFull], [ErrDisabled] or [ErrDeleted].
func (q *Queue) Send(msgs ...*Message) error { panic("todo") }

// Schedule enqueues all messages or none at their ScheduledEnqueueTime and gives the sequence numbers by which they can be
// cancelled until then. Errors are those of Send.
func (q *Queue) Schedule(msgs ...*Message) ([]int64, error) { panic("todo") }

// CancelScheduled removes scheduled messages, all or none. It fails with [ErrNotFound].
func (q *Queue) CancelScheduled(seq ...int64) error { panic("todo") }

// Peek gives up to max messages with sequence numbers from fromSequence on, in order, whatever their state, locked ones
// too, and locks nothing.
func (q *Queue) Peek(fromSequence int64, max int) []Message { panic("todo") }

// Receive takes deferred messages by sequence number, all or none. It fails with [ErrNotFound] if one is not deferred or is
// locked.
func (q *Queue) Receive(mode ReceiveMode, seq ...int64) ([]Message, error) { panic("todo") }

// Complete removes locked messages. Those whose lock is gone give [ErrLockLost]; the others are completed all the same.
func (q *Queue) Complete(tokens ...Token) error { panic("todo") }

// Abandon ends a lock, puts the message back to its place and raises its delivery count; at MaxDeliveryCount the message is
// dead-lettered. props, if any, overlay its application properties. It fails with [ErrLockLost], as do the other settlements.
func (q *Queue) Abandon(t Token, props map[string]any) error { panic("todo") }

// Defer ends a lock and sets the message aside, to be had by [Queue.Receive] only.
func (q *Queue) Defer(t Token, props map[string]any) error { panic("todo") }

// DeadLetter moves a locked message to the dead-letter queue. An empty reason or description is left out.
func (q *Queue) DeadLetter(t Token, reason, description string, props map[string]any) error {
	panic("todo")
}

// Release puts a locked message back to its place as if it had not been delivered: its delivery count stays.
func (q *Queue) Release(t Token) error { panic("todo") }

// Renew makes a lock last a whole LockDuration from now and gives its new end.
func (q *Queue) Renew(t Token) (time.Time, error) { panic("todo") }

// ExpireLocks ends every lock at once, as if its time had come, and gives their number. It is a hook for faults.
func (q *Queue) ExpireLocks() int { panic("todo") }
