package queue

import "time"

// Token names one lock on one message. Its bytes are in RFC 4122 order.
type Token [16]byte

// State tells what a message waits for.
type State uint8

// The states of a message, numbered as in Service Bus's x-opt-message-state annotation.
const (
	Active    State = 0 // waits for a consumer, or is locked by one
	Deferred  State = 1 // set aside; received by its sequence number only
	Scheduled State = 2 // waits for its enqueue time
)

// Message is what a queue keeps. The sender sets the first group of fields; the engine fills the second.
//
// A *Message given to [Queue.Send] or [Queue.Schedule] belongs to the queue from then on: the caller neither changes nor
// reads it again. A Message returned by the engine is a snapshot that the caller may keep, but its Content and Properties
// are shared and must not be changed.
type Message struct {
	ID                   string        // compared by duplicate detection; empty is never a duplicate
	TimeToLive           time.Duration // 0 means the queue's default; a longer one is cut to it
	ScheduledEnqueueTime time.Time     // zero means at once
	Size                 int           // encoded bytes, counted against the queue's limits
	Content              any           // the encoded sections; the engine never looks at it

	SequenceNumber         int64
	EnqueuedSequenceNumber int64 // the number it had where it was first enqueued
	EnqueuedTime           time.Time
	ExpiresAt              time.Time // zero means never
	LockToken              Token     // zero when not locked
	LockedUntil            time.Time // zero when not locked
	DeliveryCount          uint32    // earlier deliveries that failed: the AMQP header's delivery-count
	State                  State
	DeadLetterSource       string // the queue it was dead-lettered from; set only inside a dead-letter queue

	// Properties holds application properties that settlement changed; they overlay the sender's. Mostly nil.
	// Dead-lettering sets DeadLetterReason and DeadLetterErrorDescription here.
	Properties map[string]any

	heapIndex int // place in the lock heap or the schedule heap of its queue
}

// Names of the application properties that tell why a message was dead-lettered.
const (
	PropertyDeadLetterReason      = "DeadLetterReason"
	PropertyDeadLetterDescription = "DeadLetterErrorDescription"
)
