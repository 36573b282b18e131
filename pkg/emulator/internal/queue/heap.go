package queue

// heap is a binary min-heap whose elements know their index, so that any of them can be moved or removed in O(log n).
type heap[T any] struct {
	items  []T
	before func(a, b T) bool
	moved  func(item T, index int) // tells an item its index; -1 when it has left
}

func (h *heap[T]) len() int { return len(h.items) }

// min gives the first element of a heap that is not empty.
func (h *heap[T]) min() T { return h.items[0] }

func (h *heap[T]) push(item T) {
	h.items = append(h.items, item)
	h.up(len(h.items) - 1)
}

// fix restores the order after the element at index i changed.
func (h *heap[T]) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h *heap[T]) remove(i int) {
	removed := h.items[i]
	last := len(h.items) - 1
	h.items[i] = h.items[last]
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	if i < last {
		h.fix(i)
	}
	h.moved(removed, -1)
}

// clear drops all elements and the memory they took.
func (h *heap[T]) clear() { h.items = nil }

func (h *heap[T]) up(i int) {
	item := h.items[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !h.before(item, h.items[parent]) {
			break
		}
		h.set(i, h.items[parent])
		i = parent
	}
	h.set(i, item)
}

// down tells whether the element moved.
func (h *heap[T]) down(start int) bool {
	i, item := start, h.items[start]
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if right := child + 1; right < len(h.items) && h.before(h.items[right], h.items[child]) {
			child = right
		}
		if !h.before(h.items[child], item) {
			break
		}
		h.set(i, h.items[child])
		i = child
	}
	h.set(i, item)
	return i > start
}

func (h *heap[T]) set(i int, item T) {
	h.items[i] = item
	h.moved(item, i)
}
