package servicebus_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

// stacks gives the stacks of the goroutines that the SDK runs.
func stacks() (all [][]byte) {
	buffer := make([]byte, 8<<20)
	buffer = buffer[:runtime.Stack(buffer, true)]
	for g := range bytes.SplitSeq(buffer, []byte("\n\n")) {
		if bytes.Contains(g, []byte("/go-amqp.(")) || bytes.Contains(g, []byte("/azservicebus")) {
			all = append(all, g)
		}
	}
	return all
}

// few gives an error if the SDK runs more goroutines than most.
func few(most int) error {
	if all := stacks(); len(all) > most {
		return fmt.Errorf("%d goroutines where there were %d:\n%s", len(all), most, bytes.Join(all, []byte("\n\n")))
	}
	return nil
}

// givenUp is how long a client whose connection is frozen may take to give
// everything back, from when its line was dropped.
const givenUp = 2 * time.Second

// quick finds a frozen connection out in little more than a second.
const quick = time.Second

// TestAbandonedClients states that clients which were given up because their
// connections had frozen, one after another, leave nothing behind: as soon as
// the next one works, the goroutines of the last one end.
func TestAbandonedClients(t *testing.T) {
	f, relay := newFrozenFixture(t)
	s := f.sender(t, &servicebus.SenderOptions{Timeout: quick})
	r := f.receiver(t, &servicebus.ReceiverOptions{Timeout: quick})
	mustSend(t, s, newMessage("x"))
	receiveOne(t, r)
	fresh := len(stacks())
	for range 4 {
		relay.freeze()
		until(t, recovery, func() error { return s.Send(t.Context(), newMessage("x")) })
		until(t, recovery, func() error { return r.Ready(t.Context()) })
		until(t, givenUp, func() error { return few(fresh) })
	}
}

// TestAbandonedWhileHandingBack states the same of receivers that are just
// handing back a message which came when nobody was receiving any more: the SDK
// waits for the broker's answer to that, and its Close waits with it.
func TestAbandonedWhileHandingBack(t *testing.T) {
	f, relay := newFrozenFixture(t)
	r := f.receiver(t, &servicebus.ReceiverOptions{Timeout: quick})
	s, err := servicebus.NewSender(f.direct, queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSoon(t, s.Close) })
	for range 8 {
		mustSend(t, s, newMessage("held"))
		held, err := r.Receive(t.Context(), 2) // one comes, and one more may
		if err != nil || len(held) != 1 {
			t.Fatalf("received %d, %v", len(held), err)
		}
		fresh := len(stacks())
		relay.freezeUp()
		mustSend(t, s, newMessage("late"))
		until(t, recovery, handingBack)
		if err := r.Complete(t.Context(), held[0]); err != nil {
			t.Fatal(err)
		}
		until(t, givenUp, func() error { return few(fresh) })
	}
}

// handingBack gives nil while the SDK hands a message back.
func handingBack() error {
	if !bytes.Contains(bytes.Join(stacks(), nil), []byte("ReleaseMessage")) {
		return context.DeadlineExceeded
	}
	return nil
}
