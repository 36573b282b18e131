package queue

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A ledger gives back what was put into it, in order, however sparse the numbers and whatever was removed between.
func TestLedger(t *testing.T) {
	l := newLedger(true)
	held := make(map[int64]bool) // to ready or not
	for step := range 20_000 {
		sequence := rand.Int64N(600)
		ready, exists := held[sequence]
		switch m := l.get(sequence); {
		case (m != nil) != exists:
			t.Fatalf("step %d: message %d is there: %v", step, sequence, m != nil)
		case !exists:
			l.put(&Message{SequenceNumber: sequence})
			held[sequence] = false
		case !ready && rand.IntN(2) == 0:
			l.setReady(m)
			held[sequence] = true
		default:
			l.remove(m)
			delete(held, sequence)
		}
		checkLedger(t, l, held)
		if step%1000 == 999 { // to few messages, so that chunks are dropped
			for m := range l.from(0) {
				if rand.IntN(20) > 0 {
					held[m.SequenceNumber] = false
				}
			}
			for _, sequence := range sortedKeys(held) {
				if !held[sequence] {
					l.remove(l.get(sequence))
					delete(held, sequence)
				}
			}
		}
	}
	for _, sequence := range sortedKeys(held) {
		l.remove(l.get(sequence))
	}
	if len(l.order) > 1 || len(l.chunks) != len(l.order) || l.ready.len() != 0 || l.expiring.len() != 0 {
		t.Fatalf("an empty ledger keeps %d chunks, %d ready", len(l.order), l.ready.len())
	}
}

func checkLedger(t *testing.T, l *ledger, held map[int64]bool) {
	t.Helper()
	start := rand.Int64N(600)
	var got []int64
	for m := range l.from(start) {
		got = append(got, m.SequenceNumber)
	}
	keys := sortedKeys(held)
	at, _ := slices.BinarySearch(keys, start)
	if !slices.Equal(got, keys[at:]) || l.count != len(keys) {
		t.Fatalf("from %d: got %v, want %v", start, got, keys[at:])
	}
	first := slices.IndexFunc(keys, func(k int64) bool { return held[k] })
	if m := l.first(); (m != nil) != (first >= 0) || m != nil && m.SequenceNumber != keys[first] {
		t.Fatalf("first is %v, want index %d of %v", m, first, keys)
	}
}

func sortedKeys(held map[int64]bool) []int64 {
	keys := make([]int64, 0, len(held))
	for k := range held {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// The duplicate-detection history forgets the oldest IDs rather than grow beyond its limit.
func TestHistoryIsBounded(t *testing.T) {
	h := newHistory()
	now := time.Now()
	for i := range historyLimit + 10 {
		if !h.add(string(rune(i/0xd000+1))+string(rune(i%0xd000)), now) {
			t.Fatalf("ID %d is not new", i)
		}
	}
	if len(h.seen) != historyLimit || len(h.order)-h.head != historyLimit || cap(h.order) > 3*historyLimit {
		t.Fatalf("remembers %d IDs in %d of %d places", len(h.seen), len(h.order)-h.head, cap(h.order))
	}
}
