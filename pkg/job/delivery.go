package job

import "time"

// Delivery is one delivery of a message to one worker under peek-lock. It is
// settled through the receiver that gave it.
type Delivery struct {
	Message        Message
	Err            error     // why the message could not be understood, or nil
	DeliveryCount  int       // deliveries so far, this one included
	SequenceNumber int64     // its place in the queue
	EnqueuedAt     time.Time // when it entered the queue
	LockedUntil    time.Time // when the lock ends; renewing moves it

	// Why a message from the dead-letter queue was put there.
	DeadLetterReason      string
	DeadLetterDescription string

	// Receipt is what the receiver settles by; nobody else looks into it.
	Receipt any
}
