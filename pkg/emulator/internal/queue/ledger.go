package queue

import (
	"iter"
	"math/bits"
	"slices"
	"time"
)

// ledger holds a queue's messages by sequence number and knows which of them are ready for a consumer.
//
// Sequence numbers are dense, so the messages lie in chunks of 64 numbers each. A chunk's ready messages are bits of a
// word; a heap of the chunks that have any gives the first ready message of all, and a second heap gives the chunk where
// a ready message expires next. Putting a message back to its place is setting a bit again. Each operation takes
// O(log n) of the number of chunks, usually O(1), and a waiting message costs one pointer beside itself.
type ledger struct {
	count    int
	chunks   map[int64]*chunk
	order    []*chunk // by number
	ready    heap[*chunk]
	expiring heap[*chunk]
	expires  bool // false in a dead-letter queue, where time to live is not observed
}

const chunkBits = 6

type chunk struct {
	number                  int64 // sequence number >> chunkBits
	used, ready             uint64
	earliest                time.Time // no ready message expires before; zero when none expires
	readyIndex, expiryIndex int       // -1 when not in the heap
	messages                [1 << chunkBits]*Message
}

func newLedger(expires bool) *ledger {
	return &ledger{
		chunks:  make(map[int64]*chunk),
		expires: expires,
		ready: heap[*chunk]{
			before: func(a, b *chunk) bool { return a.number < b.number },
			moved:  func(c *chunk, i int) { c.readyIndex = i },
		},
		expiring: heap[*chunk]{
			before: func(a, b *chunk) bool { return a.earliest.Before(b.earliest) },
			moved:  func(c *chunk, i int) { c.expiryIndex = i },
		},
	}
}

func split(sequence int64) (number int64, slot uint) {
	return sequence >> chunkBits, uint(sequence & (1<<chunkBits - 1))
}

// get gives the message with this sequence number or nil.
func (l *ledger) get(sequence int64) *Message {
	number, slot := split(sequence)
	c := l.chunks[number]
	if c == nil {
		return nil
	}
	return c.messages[slot]
}

// put adds a message that is not ready yet.
func (l *ledger) put(m *Message) {
	number, slot := split(m.SequenceNumber)
	c := l.chunks[number]
	if c == nil {
		c = l.addChunk(number)
	}
	c.messages[slot] = m
	c.used |= 1 << slot
	l.count++
}

// remove drops a message, ready or not.
func (l *ledger) remove(m *Message) {
	l.unready(m)
	number, slot := split(m.SequenceNumber)
	c := l.chunks[number]
	c.messages[slot] = nil
	c.used &^= 1 << slot
	l.count--
	if c.used == 0 && c != l.order[len(l.order)-1] {
		l.dropChunk(c)
	}
}

// setReady makes a message available to consumers.
func (l *ledger) setReady(m *Message) {
	number, slot := split(m.SequenceNumber)
	c := l.chunks[number]
	c.ready |= 1 << slot
	if c.readyIndex < 0 {
		l.ready.push(c)
	}
	if l.expires && !m.ExpiresAt.IsZero() && (c.earliest.IsZero() || m.ExpiresAt.Before(c.earliest)) {
		l.setEarliest(c, m.ExpiresAt)
	}
}

// unready takes a message out of the consumers' reach; it stays in the ledger.
func (l *ledger) unready(m *Message) {
	number, slot := split(m.SequenceNumber)
	c := l.chunks[number]
	c.ready &^= 1 << slot
	if c.ready == 0 && c.readyIndex >= 0 {
		l.ready.remove(c.readyIndex)
		l.setEarliest(c, time.Time{})
	}
}

// first gives the ready message with the lowest sequence number or nil.
func (l *ledger) first() *Message {
	if l.ready.len() == 0 {
		return nil
	}
	c := l.ready.min()
	return c.messages[bits.TrailingZeros64(c.ready)]
}

// nextExpiry is a time before which no ready message expires; zero when none ever does.
func (l *ledger) nextExpiry() time.Time {
	if l.expiring.len() == 0 {
		return time.Time{}
	}
	return l.expiring.min().earliest
}

// expired gives a ready message whose time to live has ended by now, or nil.
func (l *ledger) expired(now time.Time) *Message {
	for l.expiring.len() > 0 {
		c := l.expiring.min()
		if c.earliest.After(now) {
			return nil
		}
		m := c.firstToExpire()
		if m != nil && !m.ExpiresAt.After(now) {
			return m
		}
		l.setEarliest(c, expiryOf(m))
	}
	return nil
}

// from gives all messages in order from a sequence number on.
func (l *ledger) from(sequence int64) iter.Seq[*Message] {
	return func(yield func(*Message) bool) {
		number, slot := split(max(sequence, 0))
		start, found := l.search(number)
		for i, c := range l.order[start:] {
			used := c.used
			if i == 0 && found {
				used &^= 1<<slot - 1
			}
			for ; used != 0; used &= used - 1 {
				if !yield(c.messages[bits.TrailingZeros64(used)]) {
					return
				}
			}
		}
	}
}

// setEarliest changes a chunk's earliest expiry, zero taking it out of the heap.
func (l *ledger) setEarliest(c *chunk, at time.Time) {
	c.earliest = at
	switch inHeap := c.expiryIndex >= 0; {
	case at.IsZero() && inHeap:
		l.expiring.remove(c.expiryIndex)
	case !at.IsZero() && inHeap:
		l.expiring.fix(c.expiryIndex)
	case !at.IsZero():
		l.expiring.push(c)
	}
}

// addChunk makes a chunk, most often the last one. The chunk that was last before may be empty: see remove, which keeps
// it so that a queue that is emptied again and again does not make a chunk for every message.
func (l *ledger) addChunk(number int64) *chunk {
	if n := len(l.order); n > 0 && l.order[n-1].used == 0 && l.order[n-1].number < number {
		l.dropChunk(l.order[n-1])
	}
	c := &chunk{number: number, readyIndex: -1, expiryIndex: -1}
	at, _ := l.search(number)
	l.order = slices.Insert(l.order, at, c)
	l.chunks[number] = c
	return c
}

// dropChunk drops a chunk, most often the first one, for which no other has to move.
func (l *ledger) dropChunk(c *chunk) {
	delete(l.chunks, c.number)
	if l.order[0] == c {
		l.order[0] = nil
		l.order = l.order[1:]
		return
	}
	at, _ := l.search(c.number)
	l.order = slices.Delete(l.order, at, at+1)
}

func (l *ledger) search(number int64) (int, bool) {
	return slices.BinarySearchFunc(l.order, number, func(c *chunk, n int64) int { return int(c.number - n) })
}

func (c *chunk) firstToExpire() *Message {
	var first *Message
	for ready := c.ready; ready != 0; ready &= ready - 1 {
		m := c.messages[bits.TrailingZeros64(ready)]
		if !m.ExpiresAt.IsZero() && (first == nil || m.ExpiresAt.Before(first.ExpiresAt)) {
			first = m
		}
	}
	return first
}

func expiryOf(m *Message) time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.ExpiresAt
}
