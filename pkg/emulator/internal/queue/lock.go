package queue

import (
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// A token holds the message's sequence number, by which it is found again, and a random half that is new with every lock.
func newToken(sequence int64) Token {
	var t Token
	binary.BigEndian.PutUint64(t[:8], uint64(sequence))
	binary.BigEndian.PutUint64(t[8:], rand.Uint64())
	return t
}

func (t Token) sequence() int64 { return int64(binary.BigEndian.Uint64(t[:8])) }

func (q *Queue) lock(m *Message, now time.Time) {
	m.LockToken = newToken(m.SequenceNumber)
	m.LockedUntil = now.Add(q.properties.LockDuration)
	q.locked.push(m)
}

func (q *Queue) unlock(m *Message) {
	q.locked.remove(m.heapIndex)
	m.LockToken, m.LockedUntil = Token{}, time.Time{}
}

// holder gives the message that a token locks, or nil.
func (q *Queue) holder(t Token) *Message {
	m := q.log.get(t.sequence())
	if m == nil || m.LockedUntil.IsZero() || m.LockToken != t {
		return nil
	}
	return m
}

// Renew makes a lock last a whole LockDuration from now and gives its new end. It fails with [ErrLockLost].
func (q *Queue) Renew(t Token) (time.Time, error) {
	now := q.begin()
	defer q.end(now)
	m := q.holder(t)
	if m == nil {
		return time.Time{}, ErrLockLost
	}
	m.LockedUntil = now.Add(q.properties.LockDuration)
	q.locked.fix(m.heapIndex)
	return m.LockedUntil, nil
}

// ExpireLocks ends every lock at once, as if its time had come, and gives their number. It is a hook for faults.
func (q *Queue) ExpireLocks() int {
	now := q.begin()
	defer q.end(now)
	n := q.locked.len()
	for q.locked.len() > 0 {
		q.fail(q.locked.min())
	}
	return n
}
