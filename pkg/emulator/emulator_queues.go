package emulator

import (
	"errors"
	"fmt"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Errors of the calls on queues, to compare with [errors.Is].
var (
	ErrQueueExists   = errors.New("queue exists")
	ErrQueueNotFound = errors.New("queue not found")
)

// Counts are the numbers of messages in a queue.
type Counts struct {
	Active     int // those locked or deferred among them
	Scheduled  int
	DeadLetter int
}

// CreateQueue adds a queue. It fails with [ErrQueueExists], or an error that names the property that is invalid.
func (b *Broker) CreateQueue(q Queue) error {
	_, err := b.namespace.Create(q.properties())
	switch {
	case errors.Is(err, queue.ErrExists):
		return fmt.Errorf("emulator: %w: %s", ErrQueueExists, q.Name)
	case err != nil:
		return fmt.Errorf("emulator: queue %q: %w", q.Name, err)
	}
	return nil
}

// DeleteQueue removes a queue with its messages and detaches its links. It fails with [ErrQueueNotFound].
func (b *Broker) DeleteQueue(name string) error {
	if err := b.namespace.Delete(name); err != nil {
		return fmt.Errorf("emulator: %w: %s", ErrQueueNotFound, name)
	}
	return nil
}

// QueueCounts tells how many messages are in a queue. It fails with [ErrQueueNotFound].
func (b *Broker) QueueCounts(name string) (Counts, error) {
	q, ok := b.namespace.Lookup(name)
	if !ok {
		return Counts{}, fmt.Errorf("emulator: %w: %s", ErrQueueNotFound, name)
	}
	r := q.Runtime()
	return Counts{Active: r.ActiveMessageCount, Scheduled: r.ScheduledMessageCount, DeadLetter: r.DeadLetterMessageCount}, nil
}
