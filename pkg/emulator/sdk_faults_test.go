package emulator_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// After every connection was dropped the SDK connects again by itself, for sending, receiving and settling.
func TestFaultDropConnections(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s, r := b.sender(), b.receiver(nil)
	for i := range 5 {
		body := fmt.Sprint(i)
		must(t, s.SendMessage(b.ctx, &azservicebus.Message{Body: []byte(body)}, nil))
		b.broker.Faults().DropConnections()
		m := b.receiveOne(r, body)
		b.broker.Faults().DropConnections()
		settler, err := connect(t, b.broker).NewReceiverForQueue("q", nil) // r itself would retry only after 4 s
		must(t, err)
		must(t, settler.CompleteMessage(b.ctx, copyOf(m), nil))
	}
	b.expectCounts(0, 0)
}

// A conversation cut after any number of frames is resumed by the SDK, and no message is lost on the way.
func TestFaultDropAfterFrames(t *testing.T) {
	b := newBus(t, emulator.Queue{RequiresDuplicateDetection: true})
	id := "once"
	for n := range 40 {
		client := connect(t, b.broker)
		b.broker.Faults().DropConnectionsAfter(n)
		s, err := client.NewSender("q", nil)
		must(t, err)
		must(t, s.SendMessage(b.ctx, &azservicebus.Message{MessageID: &id}, nil))
		must(t, client.Close(b.ctx))
	}
	b.broker.Faults().DropConnectionsAfter(-1)
	b.expectCounts(1, 0)
	r := b.receiver(nil)
	must(t, r.CompleteMessage(b.ctx, b.receive(r, 1)[0], nil))
}

// Wherever a delivery is cut, the message is given out again: at once if it never left the broker, after its lock if it did.
func TestFaultCutDeliveries(t *testing.T) {
	b := newBus(t, emulator.Queue{LockDuration: 100 * time.Millisecond, MaxDeliveryCount: 1000})
	b.send("a")
	for n := range 24 {
		client := connect(t, b.broker)
		r, err := client.NewReceiverForQueue("q", nil)
		must(t, err)
		b.broker.Faults().DropConnectionsAfter(n)
		for {
			msgs, err := r.ReceiveMessages(b.ctx, 1, nil)
			if err != nil {
				t.Fatalf("cut after %d frames: %v", n, err)
			}
			if len(msgs) == 1 {
				break
			}
		}
		b.broker.Faults().DropConnectionsAfter(-1)
		b.expectCounts(1, 0)
		must(t, client.Close(b.ctx))
	}
}

// A broker that refuses connections can be used again when it stops doing so.
func TestFaultRefuseConnections(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := b.sender()
	b.send("live on")
	b.broker.Faults().RefuseConnections(true)
	b.send("over a connection that was there before")
	b.broker.Faults().DropConnections()
	short, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
	defer cancel()
	if err := s.SendMessage(short, &azservicebus.Message{}, nil); err == nil {
		t.Error("sent through a broker that refuses connections")
	}
	b.broker.Faults().RefuseConnections(false)
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{}, nil))
	b.expectCounts(3, 0)
}

// A black hole swallows what comes on old and new connections, and answers nothing, until it is lifted.
func TestFaultBlackHole(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := b.sender()
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{}, nil))
	b.broker.Faults().BlackHole(true)
	short, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
	defer cancel()
	if err := s.SendMessage(short, &azservicebus.Message{}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("sent into a black hole: %v", err)
	}
	fresh, err := net.Dial("tcp", b.broker.AMQPAddr())
	must(t, err)
	defer fresh.Close()
	_, err = fresh.Write([]byte("AMQP\x00\x01\x00\x00"))
	must(t, err)
	must(t, fresh.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if n, err := fresh.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a new connection was answered with %d bytes, %v", n, err)
	}
	b.expectCounts(1, 0)
	b.broker.Faults().BlackHole(false)
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{}, nil))
	b.expectCounts(2, 0)
}

// Every answer of the broker is late by the delay, and not more than that when many are under way.
func TestFaultDelay(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := b.sender()
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{}, nil))
	const delay = 100 * time.Millisecond
	b.broker.Faults().Delay(delay)
	start := time.Now()
	done := make(chan error)
	const n = 50
	for range n {
		go func() { done <- s.SendMessage(b.ctx, &azservicebus.Message{}, nil) }()
	}
	for range n {
		must(t, <-done)
	}
	if took := time.Since(start); took < delay || took > n*delay/4 {
		t.Errorf("%d sends at once took %v", n, took)
	}
	b.broker.Faults().Delay(0)
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{}, nil))
	b.expectCounts(n+2, 0)
}

// Links of one entity are detached with the condition asked for, those of others are not, and the SDK attaches again.
func TestFaultDetachLinks(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := b.rawSession()
	sender := rawSender(b, s, nil)
	receiver := rawReceiver(b, s, amqp.ReceiverOptions{})
	other, err := s.NewReceiver(b.ctx, "q/$DeadLetterQueue", nil)
	must(t, err)
	if n := b.broker.Faults().DetachLinks("Q", "com.microsoft:server-busy", "try again"); n != 2 {
		t.Errorf("%d links detached", n)
	}
	_, err = receiver.Receive(b.ctx, nil)
	expectCondition(t, "receive", err, "com.microsoft:server-busy")
	expectCondition(t, "send", sender.Send(b.ctx, amqp.NewMessage(nil), nil), "com.microsoft:server-busy")
	must(t, other.Close(b.ctx))

	sdk, r := b.sender(), b.receiver(nil)
	must(t, sdk.SendMessage(b.ctx, &azservicebus.Message{Body: []byte("a")}, nil))
	b.broker.Faults().DetachLinks("q", string(amqp.ErrCondDetachForced), "")
	must(t, sdk.SendMessage(b.ctx, &azservicebus.Message{Body: []byte("b")}, nil))
	m := b.receiveOne(r, "a")
	b.broker.Faults().DetachLinks("q", string(amqp.ErrCondDetachForced), "")
	must(t, r.CompleteMessage(b.ctx, m, nil))
	b.expectCounts(1, 0)
}

// Locks can be made to expire by hand, in the queue that is named and no other.
func TestFaultExpireLocks(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send("a")
	r := b.receiver(nil)
	m := b.receiveOne(r, "a")
	faults := b.broker.Faults()
	if n := faults.ExpireLocks("q/$DeadLetterQueue") + faults.ExpireLocks("nowhere"); n != 0 {
		t.Errorf("%d locks elsewhere", n)
	}
	if n := faults.ExpireLocks("q"); n != 1 {
		t.Errorf("%d locks", n)
	}
	expectCode(t, "complete", r.CompleteMessage(b.ctx, m, nil), azservicebus.CodeLockLost)
	if m := b.receiveOne(r, "a"); m.DeliveryCount != 2 {
		t.Errorf("delivery count %d", m.DeliveryCount)
	}
}
