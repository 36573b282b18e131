package queue

import (
	"hash/maphash"
	"time"
)

// historyLimit bounds a queue's duplicate-detection history, to about 70 MB. Beyond it the oldest IDs are forgotten
// before their window has passed.
const historyLimit = 1 << 20

// history remembers message IDs for duplicate detection, as 128-bit hashes.
type history struct {
	seeds [2]maphash.Seed
	seen  map[idHash]struct{}
	order []sighting // by time; those before head are gone
	head  int
}

type idHash [2]uint64

type sighting struct {
	id idHash
	at int64 // Unix nanoseconds
}

func newHistory() *history {
	return &history{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, seen: make(map[idHash]struct{})}
}

// add remembers an ID and tells whether it is new. A repeated ID does not prolong its window.
func (h *history) add(id string, now time.Time) bool {
	key := idHash{maphash.String(h.seeds[0], id), maphash.String(h.seeds[1], id)}
	if _, known := h.seen[key]; known {
		return false
	}
	if len(h.seen) >= historyLimit {
		h.forgetOldest()
	}
	h.seen[key] = struct{}{}
	h.order = append(h.order, sighting{key, now.UnixNano()})
	return true
}

// forget drops the IDs first seen a window ago or earlier.
func (h *history) forget(now time.Time, window time.Duration) {
	limit := now.Add(-window).UnixNano()
	for h.head < len(h.order) && h.order[h.head].at <= limit {
		h.forgetOldest()
	}
}

func (h *history) forgetOldest() {
	delete(h.seen, h.order[h.head].id)
	h.head++
	if h.head > len(h.order)/2 {
		h.order = h.order[:copy(h.order, h.order[h.head:])]
		h.head = 0
	}
}
