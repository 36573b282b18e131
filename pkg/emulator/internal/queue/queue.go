// Package queue is the engine of the broker: queues with the semantics of Azure Service Bus, in memory, without a protocol.
//
// Messages are delivered in the order of their sequence numbers. A message that comes back, abandoned or released or with
// an expired lock, comes back to its place.
package queue

import (
	"container/list"
	"time"
)

// Queue is a queue or a dead-letter queue. It is safe for concurrent use.
type Queue struct {
	*entity
	path string
	core
}

// core is the part of a queue that its entity's lock guards.
type core struct {
	log       *ledger
	locked    heap[*Message] // by LockedUntil
	scheduled heap[*Message] // by ScheduledEnqueueTime
	waiting   list.List      // of *Consumer, first come first served
}

func newQueue(e *entity, path string, expires bool) *Queue {
	moved := func(m *Message, i int) { m.heapIndex = i }
	return &Queue{entity: e, path: path, core: core{
		log:       newLedger(expires),
		locked:    heap[*Message]{before: locksEarlier, moved: moved},
		scheduled: heap[*Message]{before: activatesEarlier, moved: moved},
	}}
}

func locksEarlier(a, b *Message) bool { return a.LockedUntil.Before(b.LockedUntil) }

func activatesEarlier(a, b *Message) bool {
	if c := a.ScheduledEnqueueTime.Compare(b.ScheduledEnqueueTime); c != 0 {
		return c < 0
	}
	return a.SequenceNumber < b.SequenceNumber
}

// Path gives the queue's name, with "/$DeadLetterQueue" at its end for a dead-letter queue.
func (q *Queue) Path() string { return q.path }

// IsDeadLetter tells whether this is a dead-letter queue.
func (q *Queue) IsDeadLetter() bool { return q == q.dead }

// Properties gives the description in force, with defaults filled in.
func (q *Queue) Properties() Properties {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.properties
}

// Runtime gives the counts and times of the queue, the same for its dead-letter queue.
func (q *Queue) Runtime() RuntimeProperties {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.gone {
		now := time.Now()
		q.advance(now)
		q.arm(now)
	}
	return RuntimeProperties{
		ActiveMessageCount:     q.main.log.count - q.main.scheduled.len(),
		DeadLetterMessageCount: q.dead.log.count,
		ScheduledMessageCount:  q.main.scheduled.len(),
		TotalMessageCount:      q.main.log.count + q.dead.log.count,
		SizeInBytes:            q.bytes,
		CreatedAt:              q.created,
		UpdatedAt:              q.updated,
		AccessedAt:             q.accessed,
	}
}

// Deleted is closed when the queue has been deleted or its namespace closed, for links to end themselves.
func (q *Queue) Deleted() <-chan struct{} { return q.deleted }

// Peek gives up to max messages with sequence numbers from fromSequence on, in order, whatever their state, locked ones
// too, and locks nothing.
func (q *Queue) Peek(fromSequence int64, max int) []Message {
	now := q.begin()
	defer q.end(now)
	var found []Message
	for m := range q.log.from(fromSequence) {
		if len(found) >= max {
			break
		}
		found = append(found, *m)
	}
	return found
}

// advance ends the locks, activates the scheduled messages and expires the ready ones whose time has come.
func (q *Queue) advance(now time.Time) {
	for q.locked.len() > 0 && !q.locked.min().LockedUntil.After(now) {
		q.fail(q.locked.min())
	}
	for q.scheduled.len() > 0 && !q.scheduled.min().ScheduledEnqueueTime.After(now) {
		m := q.scheduled.min()
		q.scheduled.remove(0)
		q.log.remove(m)
		q.activate(m, now)
	}
	for m := q.log.expired(now); m != nil; m = q.log.expired(now) {
		q.expire(m)
	}
}

// nextDue is when advance will have something to do; zero means never.
func (q *Queue) nextDue() time.Time {
	next := q.log.nextExpiry()
	if q.locked.len() > 0 {
		next = earlier(next, q.locked.min().LockedUntil)
	}
	if q.scheduled.len() > 0 {
		next = earlier(next, q.scheduled.min().ScheduledEnqueueTime)
	}
	return next
}

// drop removes a message for good.
func (q *Queue) drop(m *Message) {
	q.log.remove(m)
	q.bytes -= int64(m.Size)
}

// reset drops all messages.
func (q *Queue) reset() {
	q.log = newLedger(q.log.expires)
	q.locked.clear()
	q.scheduled.clear()
}
