package queue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// A lock ends after LockDuration: its token is worth nothing, the message is back in its place with its count raised, and
// a waiting consumer gets it at once.
func TestLockExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, q := newQueue(t, func(p *queue.Properties) { p.LockDuration = 30 * time.Second })
		send(t, q, "a")
		m := receive(t, q, 1)[0]
		check(t, "locked until", time.Until(m.LockedUntil), 30*time.Second)
		start := time.Now()
		again, err := q.NewConsumer(queue.PeekLock).Next(t.Context(), 1)
		must(t, err)
		check(t, "came back after", time.Since(start), 30*time.Second)
		check(t, "delivery count", again[0].DeliveryCount, 1)
		if err := q.Complete(m.LockToken); !errors.Is(err, queue.ErrLockLost) {
			t.Fatalf("settled with an expired lock: %v", err)
		}
		must(t, q.Complete(again[0].LockToken))
	})
}

// Renewing makes a lock last LockDuration from then on; a lock that has ended cannot be renewed.
func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, q := newQueue(t, func(p *queue.Properties) { p.LockDuration = 30 * time.Second })
		send(t, q, "a")
		m := receive(t, q, 1)[0]
		for range 5 {
			time.Sleep(20 * time.Second)
			until, err := q.Renew(m.LockToken)
			must(t, err)
			check(t, "renewed for", time.Until(until), 30*time.Second)
		}
		time.Sleep(30 * time.Second)
		if _, err := q.Renew(m.LockToken); !errors.Is(err, queue.ErrLockLost) {
			t.Fatalf("renewed an expired lock: %v", err)
		}
		check(t, "delivery count", receive(t, q, 1)[0].DeliveryCount, 1)
	})
}

// The hook that expires locks ends them all as time would.
func TestExpireLocks(t *testing.T) {
	_, q := newQueue(t, nil)
	send(t, q, "a", "b")
	m := receive(t, q, 2)
	check(t, "expired", q.ExpireLocks(), 2)
	if _, err := q.Renew(m[0].LockToken); !errors.Is(err, queue.ErrLockLost) {
		t.Fatalf("lock survived: %v", err)
	}
	check(t, "again", contents(receive(t, q, 2)), "a b")
}

// A message lives the shorter of its own and its queue's time to live, then goes where the queue says.
func TestTimeToLive(t *testing.T) {
	tests := []struct {
		name           string
		queue, message time.Duration
		deadLetter     bool
		lives          time.Duration // 0: for ever
	}{
		{"neither", 0, 0, false, 0},
		{"message", 0, time.Minute, false, time.Minute},
		{"queue", time.Minute, 0, true, time.Minute},
		{"message is shorter", time.Hour, time.Minute, true, time.Minute},
		{"queue is shorter", time.Minute, time.Hour, false, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, q := newQueue(t, func(p *queue.Properties) {
					p.DefaultMessageTimeToLive, p.DeadLetteringOnMessageExpiration = tt.queue, tt.deadLetter
				})
				must(t, q.Send(&queue.Message{TimeToLive: tt.message, Size: 5}))
				if tt.lives == 0 {
					time.Sleep(1000 * time.Hour)
					check(t, "left", len(q.Peek(0, 1)), 1)
					return
				}
				check(t, "expires in", time.Until(q.Peek(0, 1)[0].ExpiresAt), tt.lives)
				time.Sleep(tt.lives - time.Nanosecond)
				check(t, "left before", len(q.Peek(0, 1)), 1)
				time.Sleep(time.Nanosecond)
				check(t, "left after", len(q.Peek(0, 1)), 0)
				checkExpired(t, n, q, tt.deadLetter)
			})
		})
	}
}

func checkExpired(t *testing.T, n *queue.Namespace, q *queue.Queue, deadLettered bool) {
	t.Helper()
	if !deadLettered {
		check(t, "size", q.Runtime().SizeInBytes, 0)
		return
	}
	time.Sleep(1000 * time.Hour) // time to live is not observed in a dead-letter queue
	m := receive(t, deadLetters(t, n), 1)[0]
	check(t, "reason", m.Properties[queue.PropertyDeadLetterReason], "TTLExpiredException")
	check(t, "description", m.Properties[queue.PropertyDeadLetterDescription], "The message expired and was dead lettered.")
}

// A locked message does not expire under its consumer, only when it comes back; a deferred one when it is asked for.
func TestTimeToLiveWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, q := newQueue(t, func(p *queue.Properties) {
			p.DefaultMessageTimeToLive, p.LockDuration = time.Second, time.Minute
			p.DeadLetteringOnMessageExpiration = true
		})
		send(t, q, "completed", "abandoned", "deferred")
		m := receive(t, q, 3)
		must(t, q.Defer(m[2].LockToken, nil))
		time.Sleep(30 * time.Second)
		must(t, q.Complete(m[0].LockToken))
		must(t, q.Abandon(m[1].LockToken, nil))
		check(t, "left", contents(q.Peek(0, 9)), "deferred")
		if _, err := q.Receive(queue.PeekLock, m[2].SequenceNumber); !errors.Is(err, queue.ErrNotFound) {
			t.Fatalf("received an expired deferred message: %v", err)
		}
		check(t, "dead", contents(deadLetters(t, n).Peek(0, 9)), "abandoned deferred")
	})
}

// A scheduled message comes at its time, under a new sequence number, behind those enqueued before; its life begins then.
func TestScheduled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, q := newQueue(t, nil)
		at := time.Now().Add(time.Minute)
		numbers, err := q.Schedule(
			&queue.Message{Content: "later", ScheduledEnqueueTime: at.Add(time.Second), TimeToLive: time.Hour},
			&queue.Message{Content: "cancelled", ScheduledEnqueueTime: at},
			&queue.Message{Content: "sooner", ScheduledEnqueueTime: at})
		must(t, err)
		check(t, "numbers", numbers, []int64{1, 2, 3})
		send(t, q, "now")
		check(t, "peek", contents(q.Peek(0, 9)), "later cancelled sooner now")
		check(t, "state", q.Peek(0, 1)[0].State, queue.Scheduled)
		check(t, "scheduled", q.Runtime().ScheduledMessageCount, 3)
		must(t, q.CancelScheduled(2))
		if err := q.CancelScheduled(3, 2); !errors.Is(err, queue.ErrNotFound) {
			t.Fatalf("cancelled twice: %v", err)
		}
		check(t, "at once", contents(q.NewConsumer(queue.ReceiveAndDelete).TryNext(9)), "now")
		start := time.Now()
		c := q.NewConsumer(queue.ReceiveAndDelete)
		for i, want := range []string{"sooner", "later"} {
			m, err := c.Next(t.Context(), 9)
			must(t, err)
			check(t, "scheduled", contents(m), want)
			check(t, "after", time.Since(start), time.Minute+time.Duration(i)*time.Second)
			check(t, "number", m[0].SequenceNumber, 5+i)
			check(t, "enqueued", m[0].EnqueuedTime.Equal(time.Now()), true)
			if i == 1 {
				check(t, "lives", time.Until(m[0].ExpiresAt), time.Hour)
			}
		}
		if err := q.CancelScheduled(1); !errors.Is(err, queue.ErrNotFound) {
			t.Fatalf("cancelled after its time: %v", err)
		}
	})
}

// A repeated ID is accepted and dropped for as long as the window lasts from its first sight, scheduled ones too.
func TestDuplicateDetection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, q := newQueue(t, func(p *queue.Properties) {
			p.RequiresDuplicateDetection, p.DuplicateDetectionHistoryTimeWindow = true, time.Minute
		})
		must(t, q.Send(&queue.Message{ID: "a"}, &queue.Message{ID: "a"}, &queue.Message{}, &queue.Message{}))
		check(t, "kept", q.Runtime().TotalMessageCount, 3)
		time.Sleep(59 * time.Second)
		must(t, q.Send(&queue.Message{ID: "a"}))
		numbers, err := q.Schedule(&queue.Message{ID: "a", ScheduledEnqueueTime: time.Now().Add(time.Hour)})
		must(t, err)
		check(t, "number of a duplicate", numbers, []int64{4})
		check(t, "kept", q.Runtime().TotalMessageCount, 3)
		time.Sleep(time.Second)
		must(t, q.Send(&queue.Message{ID: "a"}))
		check(t, "kept after the window", q.Runtime().TotalMessageCount, 4)
	})
}

// Nothing is due for a queue that has been deleted: no timer outlives it.
func TestDeleteStopsTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, q := newQueue(t, nil)
		must(t, q.Send(&queue.Message{TimeToLive: time.Second}))
		must(t, n.Delete("orders"))
		time.Sleep(time.Minute)
		check(t, "count", q.Runtime().TotalMessageCount, 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := q.NewConsumer(queue.PeekLock).Next(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	})
}
