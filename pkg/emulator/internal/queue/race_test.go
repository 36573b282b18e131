package queue_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// With many senders and competing consumers that complete, abandon, release or forget their messages, each message is
// completed once.
func TestCompetingConsumers(t *testing.T) {
	const senders, each, consumers = 4, 500, 8
	_, q := newQueue(t, func(p *queue.Properties) {
		p.LockDuration, p.MaxDeliveryCount = 20*time.Millisecond, 2000
	})
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	var work sync.WaitGroup
	for s := range senders {
		work.Go(func() {
			for i := range each {
				if err := q.Send(&queue.Message{Content: s*each + i}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := tally{cancel: cancel, want: senders * each, seen: make(map[any]int)}
	for range consumers {
		work.Go(func() { consume(ctx, t, q, &done) })
	}
	work.Wait()
	check(t, "completed", len(done.seen), senders*each)
	check(t, "left", q.Runtime().TotalMessageCount, 0)
	for id, times := range done.seen {
		if times != 1 {
			t.Errorf("message %v was completed %d times", id, times)
		}
	}
}

// tally counts completions and ends the test when all are there.
type tally struct {
	mu     sync.Mutex
	cancel context.CancelFunc
	want   int
	seen   map[any]int
}

func (l *tally) add(id any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[id]++
	if len(l.seen) == l.want {
		l.cancel()
	}
}

func consume(ctx context.Context, t *testing.T, q *queue.Queue, done *tally) {
	c := q.NewConsumer(queue.PeekLock)
	defer c.Close()
	for {
		msgs, err := c.Next(ctx, 10)
		if errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		for _, m := range msgs {
			settleSomehow(q, m, done)
		}
	}
}

func settleSomehow(q *queue.Queue, m queue.Message, done *tally) {
	switch rand.IntN(20) {
	case 0:
		_ = q.Abandon(m.LockToken, nil)
	case 1:
		_ = q.Release(m.LockToken)
	case 2: // forgotten: comes back when its lock expires
	case 3:
		_, _ = q.Renew(m.LockToken)
		fallthrough
	default:
		if q.Complete(m.LockToken) == nil {
			done.add(m.Content)
		}
	}
}

// Deleting a queue in the middle of traffic ends every call and leaves nothing running.
func TestDeleteUnderLoad(t *testing.T) {
	for range 20 {
		n, q := newQueue(t, func(p *queue.Properties) { p.LockDuration = time.Millisecond })
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				for q.Send(&queue.Message{TimeToLive: time.Millisecond}) == nil {
					q.Peek(0, 3)
				}
			})
			work.Go(func() {
				c := q.NewConsumer(queue.PeekLock)
				for {
					if _, err := c.Next(t.Context(), 5); err != nil {
						if !errors.Is(err, queue.ErrDeleted) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		time.AfterFunc(5*time.Millisecond, n.Close)
		work.Wait()
	}
}
