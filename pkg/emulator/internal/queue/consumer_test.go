package queue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

type result struct {
	msgs []queue.Message
	err  error
}

// next runs Next in the background and returns when it waits or is done.
func next(ctx context.Context, c *queue.Consumer, max int) <-chan result {
	done := make(chan result, 1)
	go func() {
		msgs, err := c.Next(ctx, max)
		done <- result{msgs, err}
	}()
	synctest.Wait()
	return done
}

// Waiting consumers get messages in the order in which they began to wait.
func TestConsumersAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, q := newQueue(t, nil)
		var waiting []<-chan result
		for range 3 {
			waiting = append(waiting, next(t.Context(), q.NewConsumer(queue.PeekLock), 1))
		}
		send(t, q, "a", "b", "c")
		for i, want := range []string{"a", "b", "c"} {
			got := <-waiting[i]
			must(t, got.err)
			check(t, "got", contents(got.msgs), want)
		}
	})
}

// A consumer gets as many as are there, up to its limit, and the rest goes to the next.
func TestConsumersShareABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, q := newQueue(t, nil)
		first := next(t.Context(), q.NewConsumer(queue.ReceiveAndDelete), 2)
		second := next(t.Context(), q.NewConsumer(queue.ReceiveAndDelete), 5)
		must(t, q.Send(&queue.Message{Content: "a"}, &queue.Message{Content: "b"}, &queue.Message{Content: "c"}))
		check(t, "first", contents((<-first).msgs), "a b")
		check(t, "second", contents((<-second).msgs), "c")
		check(t, "left", q.Runtime().TotalMessageCount, 0)
	})
}

// Next ends with what ended it: its context, its consumer, its queue's deletion or its queue's status.
func TestNextEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func(*queue.Namespace, *queue.Consumer, context.CancelFunc)
		want error
	}{
		{"context", func(_ *queue.Namespace, _ *queue.Consumer, cancel context.CancelFunc) { cancel() }, context.Canceled},
		{"close", func(_ *queue.Namespace, c *queue.Consumer, _ context.CancelFunc) { c.Close() }, queue.ErrClosed},
		{"delete", func(n *queue.Namespace, _ *queue.Consumer, _ context.CancelFunc) { _ = n.Delete("orders") }, queue.ErrDeleted},
		{"namespace", func(n *queue.Namespace, _ *queue.Consumer, _ context.CancelFunc) { n.Close() }, queue.ErrDeleted},
		{"status", func(n *queue.Namespace, _ *queue.Consumer, _ context.CancelFunc) {
			_ = n.Update(queue.Properties{Name: "orders", Status: queue.StatusReceiveDisabled})
		}, queue.ErrDisabled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, q := newQueue(t, nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := q.NewConsumer(queue.PeekLock)
				waiting := next(ctx, c, 1)
				tt.end(n, c, cancel)
				if got := <-waiting; !errors.Is(got.err, tt.want) || got.msgs != nil {
					t.Fatalf("got %v, want %v", got, tt.want)
				}
				if got := <-next(ctx, c, 1); !errors.Is(got.err, tt.want) {
					t.Fatalf("afterwards: got %v, want %v", got, tt.want)
				}
				check(t, "try", len(c.TryNext(1)), 0)
			})
		})
	}
}

// A message never goes to a consumer that has stopped waiting.
func TestCancelledConsumerLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, q := newQueue(t, nil)
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			c := q.NewConsumer(queue.PeekLock)
			waiting := next(ctx, c, 1)
			go cancel()
			send(t, q, "a")
			got := <-waiting
			if got.err != nil {
				got.msgs = receive(t, q, 1)
			}
			must(t, q.Complete(got.msgs[0].LockToken))
		}
		check(t, "left", q.Runtime().TotalMessageCount, 0)
	})
}

// Closing a consumer leaves its locks alone.
func TestCloseKeepsLocks(t *testing.T) {
	_, q := newQueue(t, nil)
	send(t, q, "a")
	c := q.NewConsumer(queue.PeekLock)
	m := c.TryNext(1)
	c.Close()
	must(t, q.Complete(m[0].LockToken))
}

// Peek shows locked messages and locks nothing.
func TestPeek(t *testing.T) {
	_, q := newQueue(t, nil)
	send(t, q, "a", "b", "c")
	locked := receive(t, q, 1)[0]
	check(t, "all", contents(q.Peek(0, 10)), "a b c")
	check(t, "from 2", contents(q.Peek(2, 1)), "b")
	check(t, "from the end", len(q.Peek(4, 10)), 0)
	check(t, "from before the start", contents(q.Peek(-7, 1)), "a")
	check(t, "lock shows", q.Peek(0, 1)[0].LockedUntil.Equal(locked.LockedUntil), true)
	check(t, "still there", contents(receive(t, q, 2)), "b c")
}
