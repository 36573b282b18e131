package emulator_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// expectCode fails unless err is the SDK's error with this code.
func expectCode(t *testing.T, what string, err error, code azservicebus.Code) {
	t.Helper()
	var sdk *azservicebus.Error
	if !errors.As(err, &sdk) || sdk.Code != code {
		t.Errorf("%s: %v, want code %s", what, err, code)
	}
}

// copyOf gives a message with nothing but the lock of another, as a program has it that keeps only the token. The SDK settles
// it through $management.
func copyOf(m *azservicebus.ReceivedMessage) *azservicebus.ReceivedMessage {
	return &azservicebus.ReceivedMessage{LockToken: m.LockToken}
}

// A completed message is gone; completing it again is a lost lock.
func TestSDKComplete(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send("a")
	r := b.receiver(nil)
	m := b.receiveOne(r, "a")
	b.expectCounts(1, 0)
	must(t, r.CompleteMessage(b.ctx, m, nil))
	b.expectCounts(0, 0)
	expectCode(t, "completed twice", r.CompleteMessage(b.ctx, copyOf(m), nil), azservicebus.CodeLockLost)
}

// An abandoned message comes again with its delivery count raised and the properties that were changed, until it has been
// delivered too often.
func TestSDKAbandon(t *testing.T) {
	b := newBus(t, emulator.Queue{MaxDeliveryCount: 3})
	s, r := b.sender(), b.receiver(nil)
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{Body: []byte("a"),
		ApplicationProperties: map[string]any{"kept": "k", "changed": "before"}}, nil))
	for i := range 3 {
		m := b.receiveOne(r, "a")
		if int(m.DeliveryCount) != i+1 {
			t.Errorf("delivery %d has the count %d", i+1, m.DeliveryCount)
		}
		if i > 0 && (m.ApplicationProperties["changed"] != int64(i-1) || m.ApplicationProperties["added"] != true || m.ApplicationProperties["kept"] != "k") {
			t.Errorf("delivery %d has the properties %v", i+1, m.ApplicationProperties)
		}
		must(t, r.AbandonMessage(b.ctx, m, &azservicebus.AbandonMessageOptions{
			PropertiesToModify: map[string]any{"changed": int64(i), "added": true}}))
	}
	m := b.receiveOne(b.deadLetters(), "a")
	if *m.DeadLetterReason != "MaxDeliveryCountExceeded" || *m.DeadLetterErrorDescription == "" || *m.DeadLetterSource != "q" {
		t.Errorf("dead-lettered with %s, %s from %s", *m.DeadLetterReason, *m.DeadLetterErrorDescription, *m.DeadLetterSource)
	}
	if m.ApplicationProperties["changed"] != int64(2) {
		t.Errorf("dead-lettered with %v", m.ApplicationProperties)
	}
}

// A dead-lettered message carries reason, description and changed properties, and is a message like any other.
func TestSDKDeadLetter(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send("bad", "worse")
	r, dlq := b.receiver(nil), b.deadLetters()
	must(t, r.DeadLetterMessage(b.ctx, b.receiveOne(r, "bad"), &azservicebus.DeadLetterOptions{
		Reason: to.Ptr("Poison"), ErrorDescription: to.Ptr("cannot be read"), PropertiesToModify: map[string]any{"by": "test"}}))
	must(t, r.DeadLetterMessage(b.ctx, b.receiveOne(r, "worse"), nil))
	b.expectCounts(0, 2)
	m := b.receiveOne(dlq, "bad")
	if *m.DeadLetterReason != "Poison" || *m.DeadLetterErrorDescription != "cannot be read" || *m.DeadLetterSource != "q" ||
		m.ApplicationProperties["by"] != "test" {
		t.Errorf("got %+v", m.ApplicationProperties)
	}
	for range 20 { // far beyond MaxDeliveryCount
		must(t, dlq.AbandonMessage(b.ctx, m, nil))
		if m = b.receiveOne(dlq, "bad"); m.DeliveryCount != 1 {
			t.Fatalf("abandoning in a dead-letter queue raised the count to %d", m.DeliveryCount)
		}
	}
	must(t, dlq.CompleteMessage(b.ctx, m, nil))
	must(t, dlq.CompleteMessage(b.ctx, b.receiveOne(dlq, "worse"), nil))
	b.expectCounts(0, 0)
}

// A deferred message is out of the way until it is asked for by its number, and can then be settled in every way.
func TestSDKDefer(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send("deferred", "next")
	r := b.receiver(nil)
	m := b.receiveOne(r, "deferred")
	must(t, r.DeferMessage(b.ctx, m, &azservicebus.DeferMessageOptions{PropertiesToModify: map[string]any{"why": "later"}}))
	must(t, r.CompleteMessage(b.ctx, b.receiveOne(r, "next"), nil))
	number := []int64{*m.SequenceNumber}
	again := func() *azservicebus.ReceivedMessage {
		t.Helper()
		msgs, err := r.ReceiveDeferredMessages(b.ctx, number, nil)
		if err != nil || len(msgs) != 1 {
			t.Fatalf("received %d deferred messages, %v", len(msgs), err)
		}
		return msgs[0]
	}
	m = again()
	if string(m.Body) != "deferred" || m.State != azservicebus.MessageStateDeferred || m.ApplicationProperties["why"] != "later" ||
		m.LockToken == [16]byte{} || m.LockedUntil == nil {
		t.Errorf("got %+v", m)
	}
	must(t, r.RenewMessageLock(b.ctx, m, nil))
	must(t, r.AbandonMessage(b.ctx, m, &azservicebus.AbandonMessageOptions{PropertiesToModify: map[string]any{"why": "abandoned"}}))
	m = again()
	if m.ApplicationProperties["why"] != "abandoned" {
		t.Errorf("abandoned with %v", m.ApplicationProperties)
	}
	must(t, r.DeferMessage(b.ctx, m, nil))
	must(t, r.DeadLetterMessage(b.ctx, again(), &azservicebus.DeadLetterOptions{Reason: to.Ptr("r"), ErrorDescription: to.Ptr("d")}))
	if m := b.receiveOne(b.deadLetters(), "deferred"); *m.DeadLetterReason != "r" || *m.DeadLetterErrorDescription != "d" {
		t.Errorf("dead-lettered with %v", m.ApplicationProperties)
	}
	if _, err := r.ReceiveDeferredMessages(b.ctx, number, nil); err == nil {
		t.Error("a message that is not deferred any more was received")
	}
}

// Completing a deferred message, and receiving it in the mode that deletes, both remove it.
func TestSDKDeferredIsRemoved(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send("a", "b")
	r := b.receiver(nil)
	msgs := b.receive(r, 2)
	for _, m := range msgs {
		must(t, r.DeferMessage(b.ctx, m, nil))
	}
	got, err := r.ReceiveDeferredMessages(b.ctx, []int64{*msgs[0].SequenceNumber}, nil)
	must(t, err)
	must(t, r.CompleteMessage(b.ctx, got[0], nil))
	deleter := b.receiver(&azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	got, err = deleter.ReceiveDeferredMessages(b.ctx, []int64{*msgs[1].SequenceNumber}, nil)
	if err != nil || bodies(got) != "[b]" {
		t.Errorf("received %s, %v", bodies(got), err)
	}
	b.expectCounts(0, 0)
}

// A lock that has expired is lost for every kind of settlement, by link and by token, and the message comes again with its
// count raised.
func TestSDKLockExpires(t *testing.T) {
	b := newBus(t, emulator.Queue{LockDuration: 300 * time.Millisecond})
	b.send(numbered(5)...)
	r := b.receiver(nil)
	late := b.receive(r, 5)
	for _, m := range b.receive(b.receiver(nil), 5) {
		if m.DeliveryCount != 2 {
			t.Errorf("%s has the delivery count %d", m.Body, m.DeliveryCount)
		}
	}
	settle := func(of func(*azservicebus.ReceivedMessage) *azservicebus.ReceivedMessage) map[string]error {
		return map[string]error{
			"complete":    r.CompleteMessage(b.ctx, of(late[0]), nil),
			"abandon":     r.AbandonMessage(b.ctx, of(late[1]), nil),
			"defer":       r.DeferMessage(b.ctx, of(late[2]), nil),
			"dead-letter": r.DeadLetterMessage(b.ctx, of(late[3]), nil),
			"renew":       r.RenewMessageLock(b.ctx, of(late[4]), nil),
		}
	}
	for name, err := range settle(func(m *azservicebus.ReceivedMessage) *azservicebus.ReceivedMessage { return m }) {
		expectCode(t, name, err, azservicebus.CodeLockLost)
	}
	for name, err := range settle(copyOf) {
		expectCode(t, name+" by token", err, azservicebus.CodeLockLost)
	}
	b.expectCounts(5, 0)
}

// Renewing keeps a lock beyond its duration, for as long as it goes on.
func TestSDKRenewLock(t *testing.T) {
	b := newBus(t, emulator.Queue{LockDuration: 400 * time.Millisecond})
	b.send("a")
	r := b.receiver(nil)
	m := b.receiveOne(r, "a")
	first := *m.LockedUntil
	for tick := time.NewTicker(100 * time.Millisecond); time.Now().Before(first.Add(200 * time.Millisecond)); <-tick.C {
		before := *m.LockedUntil
		must(t, r.RenewMessageLock(b.ctx, m, nil))
		if m.LockedUntil.Before(before) {
			t.Errorf("renewed from %v to %v", before, m.LockedUntil)
		}
	}
	must(t, r.CompleteMessage(b.ctx, m, nil))
}

// Messages that were locked when a receiver closed stay locked until their locks expire; nobody else gets them sooner.
func TestSDKCloseKeepsLocks(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send("a", "b")
	r := b.receiver(nil)
	b.receiveOne(r, "a")
	must(t, r.Close(b.ctx))
	second := b.receiver(nil)
	b.receiveOne(second, "b")
	if n := b.broker.Faults().ExpireLocks("q"); n != 2 {
		t.Errorf("%d locks", n)
	}
	if m := b.receiveOne(second, "a"); m.DeliveryCount != 2 {
		t.Errorf("delivery count %d", m.DeliveryCount)
	}
}

// Hundreds of settlements in flight at once are each answered for themselves.
func TestSDKConcurrentSettlement(t *testing.T) {
	const n = 400
	b := newBus(t, emulator.Queue{})
	b.send(numbered(n)...)
	r := b.receiver(nil)
	done := make(chan error, n)
	for _, m := range b.receive(r, n) {
		go func() {
			if *m.SequenceNumber%2 == 0 {
				done <- r.CompleteMessage(b.ctx, m, nil)
			} else {
				done <- r.AbandonMessage(b.ctx, m, nil)
			}
		}()
	}
	for range n {
		must(t, <-done)
	}
	b.expectCounts(n/2, 0)
	for _, m := range b.receive(r, n/2) {
		if *m.SequenceNumber%2 == 0 || m.DeliveryCount != 2 {
			t.Errorf("message %d comes again with the delivery count %d", *m.SequenceNumber, m.DeliveryCount)
		}
	}
}

// Credit that a receiver gave and does not use any more gives messages back, without raising their delivery count.
func TestSDKUnusedCreditIsReleased(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	r := b.receiver(nil)
	short, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
	defer cancel()
	if _, err := r.ReceiveMessages(short, 100, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	b.send(numbered(50)...)
	other := b.receiver(nil)
	seen := map[string]bool{}
	for len(seen) < 50 {
		for _, m := range b.receive(other, 1) {
			if m.DeliveryCount != 1 {
				t.Fatalf("%s has the delivery count %d", m.Body, m.DeliveryCount)
			}
			seen[string(m.Body)] = true
			must(t, other.CompleteMessage(b.ctx, m, nil))
		}
	}
	b.expectCounts(0, 0)
}
