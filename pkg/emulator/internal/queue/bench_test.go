package queue_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// The cost of a message's whole way, sent, received and completed, must not grow with those that wait before it.
func BenchmarkSendReceiveComplete(b *testing.B) {
	for _, backlog := range []int{0, 1000, 500_000} {
		b.Run(fmt.Sprintf("backlog=%d", backlog), func(b *testing.B) {
			_, q := newQueue(b, func(p *queue.Properties) { p.DefaultMessageTimeToLive = time.Hour })
			fill(b, q, backlog)
			c := q.NewConsumer(queue.PeekLock)
			b.ReportAllocs()
			for b.Loop() {
				must(b, q.Send(&queue.Message{Size: 100}))
				msgs, err := c.Next(context.Background(), 1)
				must(b, err)
				must(b, q.Complete(msgs[0].LockToken))
			}
		})
	}
}

func BenchmarkBatchOf100(b *testing.B) {
	_, q := newQueue(b, nil)
	c := q.NewConsumer(queue.PeekLock)
	batch := make([]*queue.Message, 100)
	tokens := make([]queue.Token, 100)
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch {
			batch[i] = &queue.Message{Size: 100}
		}
		must(b, q.Send(batch...))
		msgs, err := c.Next(context.Background(), 100)
		must(b, err)
		for i := range msgs {
			tokens[i] = msgs[i].LockToken
		}
		must(b, q.Complete(tokens...))
	}
	b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "msg/s")
}

func BenchmarkDuplicateDetection(b *testing.B) {
	_, q := newQueue(b, func(p *queue.Properties) { p.RequiresDuplicateDetection = true })
	c := q.NewConsumer(queue.ReceiveAndDelete)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		must(b, q.Send(&queue.Message{ID: fmt.Sprintf("%036d", i)}))
		c.TryNext(1)
	}
}

// BenchmarkMemory reports what a waiting message costs beside its content.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		_, q := newQueue(b, nil)
		before := heapBytes()
		fill(b, q, 100_000)
		b.ReportMetric(float64(heapBytes()-before)/100_000, "B/msg")
		runtime.KeepAlive(q)
	}
}

func heapBytes() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

func fill(b *testing.B, q *queue.Queue, n int) {
	for range n {
		must(b, q.Send(&queue.Message{Size: 100}))
	}
}
