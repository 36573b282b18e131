package queue

import "errors"

// Errors of the engine. They are returned wrapped with detail; compare them with [errors.Is].
var (
	ErrExists     = errors.New("entity already exists")
	ErrNotFound   = errors.New("not found")                      // no such entity, or no such message
	ErrInvalid    = errors.New("invalid entity description")     // a property outside Azure's limits
	ErrTooLarge   = errors.New("message exceeds the size limit") // one message over MaxMessageSizeInKilobytes
	ErrFull       = errors.New("queue exceeds its size quota")   // the queue would pass MaxSizeInMegabytes
	ErrLockLost   = errors.New("message lock lost")              // expired, settled before, or never given
	ErrDeleted    = errors.New("entity deleted")                 // the queue was deleted or its namespace closed
	ErrDisabled   = errors.New("entity is disabled for this")    // Status forbids sending or receiving
	ErrNotAllowed = errors.New("not allowed on a dead-letter queue")
	ErrClosed     = errors.New("consumer closed") // Next on a closed consumer
)
