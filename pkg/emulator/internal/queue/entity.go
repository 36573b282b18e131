package queue

import (
	"fmt"
	"sync"
	"time"
)

// entity is what a queue and its dead-letter queue share: the lock, the description, the quota and one timer.
//
// Every operation runs between begin and end, which first and last do what has become due, so that what a caller sees
// does not depend on when the timer runs.
type entity struct {
	mu         sync.Mutex
	properties Properties
	main, dead *Queue
	sequence   int64 // last one given
	bytes      int64
	seen       *history // nil without duplicate detection

	created, updated, accessed time.Time

	timer   *time.Timer
	wakeAt  time.Time // when the timer fires; zero when it is not set
	deleted chan struct{}
	gone    bool
}

func newEntity(p Properties, now time.Time) *entity {
	e := &entity{properties: p, created: now, updated: now, deleted: make(chan struct{})}
	e.main = newQueue(e, p.Name, true)
	e.dead = newQueue(e, p.Name+"/"+deadLetterSuffix, false)
	if p.RequiresDuplicateDetection {
		e.seen = newHistory()
	}
	return e
}

func (e *entity) begin() time.Time {
	e.mu.Lock()
	now := time.Now()
	e.accessed = now
	e.advance(now)
	return now
}

func (e *entity) end(now time.Time) {
	if !e.gone {
		e.advance(now)
		e.arm(now)
	}
	e.mu.Unlock()
}

// advance does what is due by now and serves waiting consumers.
func (e *entity) advance(now time.Time) {
	e.main.advance(now)
	e.dead.advance(now)
	e.main.dispatch(now)
	e.dead.dispatch(now)
}

// arm sets the timer for the next thing to become due, unless it fires earlier anyway. Thus it is set about once a lock
// duration, not with every message.
func (e *entity) arm(now time.Time) {
	next := earlier(e.main.nextDue(), e.dead.nextDue())
	if next.IsZero() || !e.wakeAt.IsZero() && !next.Before(e.wakeAt) {
		return
	}
	e.wakeAt = next
	if e.timer == nil {
		e.timer = time.AfterFunc(next.Sub(now), e.wake)
		return
	}
	e.timer.Reset(next.Sub(now))
}

func (e *entity) wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return
	}
	e.wakeAt = time.Time{}
	now := time.Now()
	e.advance(now)
	e.arm(now)
}

// update puts another description in force. What Azure fixes at creation cannot change.
func (e *entity) update(p Properties) error {
	now := e.begin()
	defer e.end(now)
	if e.gone {
		return ErrDeleted
	}
	if p.RequiresDuplicateDetection != e.properties.RequiresDuplicateDetection {
		return fmt.Errorf("%w: RequiresDuplicateDetection cannot be changed", ErrInvalid)
	}
	p.Name = e.properties.Name
	e.properties, e.updated = p, now
	if !p.Status.receives() {
		e.main.wakeAll(ErrDisabled)
		e.dead.wakeAll(ErrDisabled)
	}
	return nil
}

func (e *entity) delete() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return
	}
	e.gone = true
	if e.timer != nil {
		e.timer.Stop()
	}
	for _, q := range []*Queue{e.main, e.dead} {
		q.wakeAll(ErrDeleted)
		q.reset()
	}
	e.bytes = 0
	close(e.deleted)
}

// earlier gives the earlier of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
