package queue_test

import (
	"errors"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Each way to settle a message leaves it where Azure leaves it, and ends its lock.
func TestSettlement(t *testing.T) {
	tests := []struct {
		name         string
		settle       func(*queue.Queue, queue.Token) error
		state        string // "gone", "ready", "deferred" or "dead"
		deliveries   uint32
		hasProperty  bool
		reason, desc any
	}{
		{"complete", func(q *queue.Queue, t queue.Token) error { return q.Complete(t) }, "gone", 0, false, nil, nil},
		{"abandon", func(q *queue.Queue, t queue.Token) error { return q.Abandon(t, nil) }, "ready", 1, false, nil, nil},
		{"abandon with properties", func(q *queue.Queue, t queue.Token) error {
			return q.Abandon(t, map[string]any{"k": 1})
		}, "ready", 1, true, nil, nil},
		{"release", func(q *queue.Queue, t queue.Token) error { return q.Release(t) }, "ready", 0, false, nil, nil},
		{"defer", func(q *queue.Queue, t queue.Token) error {
			return q.Defer(t, map[string]any{"k": 1})
		}, "deferred", 0, true, nil, nil},
		{"dead-letter", func(q *queue.Queue, t queue.Token) error {
			return q.DeadLetter(t, "bad", "very bad", map[string]any{"k": 1})
		}, "dead", 0, true, "bad", "very bad"},
		{"dead-letter without a reason", func(q *queue.Queue, t queue.Token) error {
			return q.DeadLetter(t, "", "", nil)
		}, "dead", 0, false, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, q := newQueue(t, nil)
			dead := deadLetters(t, n)
			send(t, q, "a")
			m := receive(t, q, 1)[0]
			must(t, tt.settle(q, m.LockToken))
			if err := tt.settle(q, m.LockToken); !errors.Is(err, queue.ErrLockLost) {
				t.Fatalf("settled twice: %v", err)
			}
			state, after := find(q, dead)
			check(t, "state", state, tt.state)
			check(t, "delivery count", after.DeliveryCount, tt.deliveries)
			check(t, "has the property", after.Properties["k"] != nil, tt.hasProperty)
			check(t, "reason", after.Properties[queue.PropertyDeadLetterReason], tt.reason)
			check(t, "description", after.Properties[queue.PropertyDeadLetterDescription], tt.desc)
		})
	}
}

func find(q, dead *queue.Queue) (string, queue.Message) {
	if m := dead.Peek(0, 1); len(m) > 0 {
		return "dead", m[0]
	}
	switch m := q.Peek(0, 1); {
	case len(m) == 0:
		return "gone", queue.Message{}
	case m[0].State == queue.Deferred:
		return "deferred", m[0]
	default:
		return "ready", m[0]
	}
}

// A message that is abandoned or released comes back before those behind it.
func TestOrderIsKept(t *testing.T) {
	_, q := newQueue(t, nil)
	send(t, q, "a", "b", "c", "d")
	msgs := receive(t, q, 3)
	must(t, q.Abandon(msgs[1].LockToken, nil))
	must(t, q.Release(msgs[0].LockToken))
	check(t, "order", contents(receive(t, q, 3)), "a b d")
}

// A message that fails MaxDeliveryCount times goes to the dead-letter queue with Azure's reason and keeps its number there.
func TestMaxDeliveryCount(t *testing.T) {
	n, q := newQueue(t, func(p *queue.Properties) { p.MaxDeliveryCount = 3 })
	send(t, q, "a")
	for i := range 3 {
		m := receive(t, q, 1)[0]
		check(t, "delivery count", m.DeliveryCount, i)
		must(t, q.Abandon(m.LockToken, nil))
	}
	check(t, "left", len(q.Peek(0, 9)), 0)
	m := receive(t, deadLetters(t, n), 1)[0]
	check(t, "reason", m.Properties[queue.PropertyDeadLetterReason], "MaxDeliveryCountExceeded")
	check(t, "description", m.Properties[queue.PropertyDeadLetterDescription],
		"Message could not be consumed after 3 delivery attempts.")
	check(t, "source", m.DeadLetterSource, "orders")
	check(t, "sequence number", m.SequenceNumber, 1)
	check(t, "delivery count", m.DeliveryCount, 3)
}

// In a dead-letter queue nothing raises the delivery count, and there is no way further down or in from outside.
func TestDeadLetterQueue(t *testing.T) {
	n, q := newQueue(t, func(p *queue.Properties) { p.MaxDeliveryCount = 1 })
	dead := deadLetters(t, n)
	send(t, q, "a")
	must(t, q.DeadLetter(receive(t, q, 1)[0].LockToken, "r", "d", nil))
	for range 3 {
		must(t, dead.Abandon(receive(t, dead, 1)[0].LockToken, nil))
	}
	m := receive(t, dead, 1)[0]
	check(t, "delivery count", m.DeliveryCount, 0)
	if err := dead.DeadLetter(m.LockToken, "", "", nil); !errors.Is(err, queue.ErrNotAllowed) {
		t.Fatalf("dead-lettered twice: %v", err)
	}
	if err := dead.Send(&queue.Message{}); !errors.Is(err, queue.ErrNotAllowed) {
		t.Fatalf("sent to the dead-letter queue: %v", err)
	}
	if err := q.Complete(m.LockToken); !errors.Is(err, queue.ErrLockLost) {
		t.Fatalf("the dead-letter queue's token settled in the main queue: %v", err)
	}
	must(t, dead.Complete(m.LockToken))
	check(t, "size", q.Runtime().SizeInBytes, 0)
}

// Completing several at once completes what it can and names the rest.
func TestCompleteNamesLostLocks(t *testing.T) {
	_, q := newQueue(t, nil)
	send(t, q, "a", "b", "c")
	m := receive(t, q, 3)
	must(t, q.Complete(m[1].LockToken))
	err := q.Complete(m[0].LockToken, m[1].LockToken, m[2].LockToken, queue.Token{})
	var lost *queue.LockLostError
	if !errors.As(err, &lost) || !errors.Is(err, queue.ErrLockLost) {
		t.Fatalf("got %v", err)
	}
	check(t, "lost", lost.Tokens, []queue.Token{m[1].LockToken, {}})
	check(t, "left", q.Runtime().TotalMessageCount, 0)
}

// A deferred message is had by its number alone, all of a call or none, and is deferred again when abandoned.
func TestDeferred(t *testing.T) {
	_, q := newQueue(t, nil)
	send(t, q, "a", "b", "c")
	for _, m := range receive(t, q, 2) {
		must(t, q.Defer(m.LockToken, nil))
	}
	check(t, "ordinary receive", contents(receive(t, q, 1)), "c")
	for _, numbers := range [][]int64{{1, 3}, {1, 99}, {1, 1}, {-1}} {
		if _, err := q.Receive(queue.PeekLock, numbers...); !errors.Is(err, queue.ErrNotFound) {
			t.Fatalf("%v: %v", numbers, err)
		}
	}
	msgs, err := q.Receive(queue.PeekLock, 2, 1)
	must(t, err)
	check(t, "by number", contents(msgs), "b a")
	check(t, "state", msgs[0].State, queue.Deferred)
	if _, err := q.Receive(queue.PeekLock, 1); !errors.Is(err, queue.ErrNotFound) {
		t.Fatalf("received while locked: %v", err)
	}
	must(t, q.Abandon(msgs[0].LockToken, nil))
	must(t, q.Complete(msgs[1].LockToken))
	again, err := q.Receive(queue.ReceiveAndDelete, 2)
	must(t, err)
	check(t, "delivery count", again[0].DeliveryCount, 1)
	check(t, "left", q.Runtime().ActiveMessageCount, 1)
}

// What a snapshot shows does not change when the message is settled.
func TestSnapshotsAreStable(t *testing.T) {
	_, q := newQueue(t, nil)
	send(t, q, "a")
	first := receive(t, q, 1)[0]
	must(t, q.Abandon(first.LockToken, map[string]any{"k": 1}))
	second := receive(t, q, 1)[0]
	must(t, q.Abandon(second.LockToken, map[string]any{"k": 2, "l": 3}))
	check(t, "first", first.Properties, map[string]any{})
	check(t, "second", second.Properties, map[string]any{"k": 1})
	check(t, "third", q.Peek(0, 1)[0].Properties, map[string]any{"k": 2, "l": 3})
}
