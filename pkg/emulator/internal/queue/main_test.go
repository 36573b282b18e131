package queue_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newQueue gives a queue named "orders" with the properties that change sets.
func newQueue(tb testing.TB, change func(*queue.Properties)) (*queue.Namespace, *queue.Queue) {
	tb.Helper()
	p := queue.Properties{Name: "orders"}
	if change != nil {
		change(&p)
	}
	n := queue.NewNamespace()
	tb.Cleanup(n.Close)
	q, err := n.Create(p)
	if err != nil {
		tb.Fatal(err)
	}
	return n, q
}

func deadLetters(tb testing.TB, n *queue.Namespace) *queue.Queue {
	tb.Helper()
	dead, ok := n.Lookup("orders/$DeadLetterQueue")
	if !ok {
		tb.Fatal("no dead-letter queue")
	}
	return dead
}

// send enqueues messages with these contents.
func send(tb testing.TB, q *queue.Queue, contents ...string) {
	tb.Helper()
	for _, c := range contents {
		if err := q.Send(&queue.Message{Content: c, Size: len(c)}); err != nil {
			tb.Fatal(err)
		}
	}
}

// receive takes exactly n messages at once.
func receive(tb testing.TB, q *queue.Queue, n int) []queue.Message {
	tb.Helper()
	c := q.NewConsumer(queue.PeekLock)
	defer c.Close()
	msgs := c.TryNext(n)
	if len(msgs) != n {
		tb.Fatalf("received %d messages, want %d", len(msgs), n)
	}
	return msgs
}

func contents(msgs []queue.Message) string {
	all := make([]any, len(msgs))
	for i, m := range msgs {
		all[i] = m.Content
	}
	return strings.TrimSuffix(fmt.Sprintln(all...), "\n")
}

func check(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		tb.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func soon(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	tb.Cleanup(cancel)
	return ctx
}
