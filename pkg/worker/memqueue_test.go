package worker_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// memQueue is a queue with peek-lock in memory, as far as a worker can tell it
// from Service Bus. Under testing/synctest its times pass at once.
type memQueue struct {
	lockTime      time.Duration
	maxDeliveries int
	skew          time.Duration // how far the broker's clock is ahead

	mu       sync.Mutex
	changed  chan struct{} // closed at each change
	sequence int64
	active   []*memMessage
	dead     []*memMessage
	seen     map[string]bool // MessageIDs
	asked    []int           // the max of each Receive
	renewals int
	settled  []string // "complete", "abandon", "dead-letter", in order
	fault    func(operation string) error
}

type memMessage struct {
	message     job.Message
	err         error
	sequence    int64
	deliveries  int
	visibleAt   time.Time
	lockedUntil time.Time
	token       int
	reason      string
	description string
}

func newMemQueue() *memQueue {
	return &memQueue{lockTime: time.Minute, maxDeliveries: 10, changed: make(chan struct{}), seen: map[string]bool{}}
}

func (q *memQueue) change() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// setFault makes every call ask f first; nil ends that.
func (q *memQueue) setFault(f func(operation string) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fault = f
	q.change()
}

func (q *memQueue) faulty(operation string) error {
	if q.fault == nil {
		return nil
	}
	return q.fault(operation)
}

func (q *memQueue) send(m job.Message, err error) { q.add(m, err, time.Time{}) }

func (q *memQueue) add(m job.Message, err error, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if id := m.MessageID(); q.seen[id] && !m.ID.IsZero() {
		return
	}
	q.seen[m.MessageID()] = true
	q.sequence++
	q.active = append(q.active, &memMessage{message: m, err: err, sequence: q.sequence, visibleAt: at})
	q.change()
}

func (q *memQueue) Schedule(_ context.Context, m *job.Message, at time.Time) error {
	q.mu.Lock()
	err := q.faulty("schedule")
	q.mu.Unlock()
	if err == nil {
		q.add(*m, nil, at.Add(-q.skew))
	}
	return err
}

func (q *memQueue) Receive(ctx context.Context, max int) ([]*job.Delivery, error) {
	q.mu.Lock()
	q.asked = append(q.asked, max)
	q.mu.Unlock()
	for {
		ready, wait, changed := q.ready(max)
		if len(ready) > 0 {
			return ready, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// ready locks up to max messages; if there are none it says how long that will
// remain so at least.
func (q *memQueue) ready(max int) (ready []*job.Delivery, wait time.Duration, changed chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, wait := time.Now(), time.Hour
	for _, m := range slices.Clone(q.active) {
		free := m.visibleAt
		if m.lockedUntil.After(free) {
			free = m.lockedUntil
		}
		switch {
		case free.After(now):
			wait = min(wait, free.Sub(now))
		case m.deliveries >= q.maxDeliveries:
			q.bury(m, "MaxDeliveryCountExceeded", "delivered too often")
		case len(ready) < max && q.faulty("receive") == nil:
			ready = append(ready, q.lock(m, now))
		}
	}
	return ready, wait, q.changed
}

func (q *memQueue) lock(m *memMessage, now time.Time) *job.Delivery {
	m.deliveries++
	m.token++
	m.lockedUntil = now.Add(q.lockTime)
	return q.delivery(m)
}

func (q *memQueue) delivery(m *memMessage) *job.Delivery {
	return &job.Delivery{
		Message: m.message, Err: m.err, DeliveryCount: m.deliveries, SequenceNumber: m.sequence,
		LockedUntil: m.lockedUntil.Add(q.skew), Receipt: memReceipt{m, m.token},
		DeadLetterReason: m.reason, DeadLetterDescription: m.description,
	}
}

type memReceipt struct {
	message *memMessage
	token   int
}

func (q *memQueue) bury(m *memMessage, reason, description string) {
	q.active = slices.DeleteFunc(q.active, func(other *memMessage) bool { return other == m })
	m.reason, m.description = reason, description
	q.dead = append(q.dead, m)
}

// locked runs f on the message of d if its lock is good.
func (q *memQueue) locked(operation string, d *job.Delivery, f func(m *memMessage)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.faulty(operation); err != nil {
		return err
	}
	receipt := d.Receipt.(memReceipt)
	m := receipt.message
	if m.token != receipt.token || !m.lockedUntil.After(time.Now()) || !slices.Contains(q.active, m) {
		return job.ErrLockLost
	}
	f(m)
	q.change()
	return nil
}

func (q *memQueue) Renew(_ context.Context, d *job.Delivery) error {
	return q.locked("renew", d, func(m *memMessage) {
		q.renewals++
		m.lockedUntil = time.Now().Add(q.lockTime)
		d.LockedUntil = m.lockedUntil.Add(q.skew)
	})
}

func (q *memQueue) Complete(_ context.Context, d *job.Delivery) error {
	return q.locked("complete", d, func(m *memMessage) {
		q.settled = append(q.settled, "complete")
		q.active = slices.DeleteFunc(q.active, func(other *memMessage) bool { return other == m })
	})
}

func (q *memQueue) Abandon(_ context.Context, d *job.Delivery) error {
	return q.locked("abandon", d, func(m *memMessage) {
		q.settled = append(q.settled, "abandon")
		m.lockedUntil = time.Time{}
	})
}

func (q *memQueue) DeadLetter(_ context.Context, d *job.Delivery, reason, description string) error {
	return q.locked("dead-letter", d, func(m *memMessage) {
		q.settled = append(q.settled, "dead-letter")
		q.bury(m, reason, description)
	})
}

func (q *memQueue) Peek(_ context.Context, from int64, max int) ([]*job.Delivery, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.faulty("peek"); err != nil {
		return nil, err
	}
	var page []*job.Delivery
	slices.SortFunc(q.dead, func(a, b *memMessage) int { return int(a.sequence - b.sequence) })
	for _, m := range q.dead {
		if m.sequence >= from && len(page) < max {
			page = append(page, q.delivery(m))
		}
	}
	return page, nil
}

// expireLocks ends every lock now.
func (q *memQueue) expireLocks() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.active {
		m.lockedUntil = time.Time{}
	}
	q.change()
}

// bury dead-letters a message as the queue itself or an operator does.
func (q *memQueue) sendDead(m job.Message, err error, reason string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sequence++
	q.dead = append(q.dead, &memMessage{message: m, err: err, sequence: q.sequence, reason: reason, description: "because"})
}

// counts gives how many messages are in the queue and in its dead-letter queue.
func (q *memQueue) counts() (active, dead int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.active), len(q.dead)
}

func (q *memQueue) settlements() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.settled)
}

var errOutage = errors.New("the service is out of order")
