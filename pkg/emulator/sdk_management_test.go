package emulator_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// Peeking shows messages in every state, in order, over as many calls as it takes, and changes nothing.
func TestSDKPeek(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send("locked", "deferred", "active")
	r := b.receiver(nil)
	msgs := b.receive(r, 2)
	must(t, r.DeferMessage(b.ctx, msgs[1], nil))
	_, err := b.sender().ScheduleMessages(b.ctx, []*azservicebus.Message{{Body: []byte("scheduled")}}, time.Now().Add(time.Hour), nil)
	must(t, err)
	peeker := b.receiver(nil)
	want := []struct {
		body  string
		state azservicebus.MessageState
	}{{"locked", 0}, {"deferred", azservicebus.MessageStateDeferred}, {"active", 0}, {"scheduled", azservicebus.MessageStateScheduled}}
	var last int64
	for _, w := range want {
		got, err := peeker.PeekMessages(b.ctx, 1, nil)
		if err != nil || len(got) != 1 {
			t.Fatalf("peeked %d messages, %v", len(got), err)
		}
		m := got[0]
		if string(m.Body) != w.body || m.State != w.state || *m.SequenceNumber <= last || m.EnqueuedTime == nil || m.LockedUntil != nil {
			t.Errorf("peeked %+v, want %+v", m, w)
		}
		last = *m.SequenceNumber
	}
	if got, err := peeker.PeekMessages(b.ctx, 10, nil); len(got) != 0 || err != nil {
		t.Errorf("beyond the end: %d messages, %v", len(got), err)
	}
	all, err := peeker.PeekMessages(b.ctx, 10, &azservicebus.PeekMessagesOptions{FromSequenceNumber: to.Ptr(int64(0))})
	if err != nil || bodies(all) != "[locked deferred active scheduled]" || all[0].DeliveryCount != 1 {
		t.Errorf("from the start: %s, %v", bodies(all), err)
	}
	must(t, r.CompleteMessage(b.ctx, msgs[0], nil))
}

// Peeking at many large messages gives them over several answers, each of a bounded size.
func TestSDKPeekLarge(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	const n = 12
	for i := range n {
		must(t, b.sender().SendMessage(b.ctx, &azservicebus.Message{Body: make([]byte, 200<<10+i)}, nil))
	}
	r, calls := b.receiver(nil), 0
	for seen := 0; seen < n; calls++ {
		msgs, err := r.PeekMessages(b.ctx, 100, nil)
		if err != nil || len(msgs) == 0 {
			t.Fatalf("after %d messages: %d, %v", seen, len(msgs), err)
		}
		for _, m := range msgs {
			if len(m.Body) != 200<<10+seen {
				t.Fatalf("message %d has %d bytes", seen, len(m.Body))
			}
			seen++
		}
	}
	if calls < 2 {
		t.Error("one answer held 2.4 MB")
	}
}

// Scheduled messages come when their time has come, all but those that were cancelled.
func TestSDKScheduleAndCancel(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s, at := b.sender(), time.Now().Add(400*time.Millisecond)
	numbers, err := s.ScheduleMessages(b.ctx, []*azservicebus.Message{{Body: []byte("a")}, {Body: []byte("b")}, {Body: []byte("c")}}, at, nil)
	if err != nil || len(numbers) != 3 || numbers[0] >= numbers[1] {
		t.Fatalf("numbers %v, %v", numbers, err)
	}
	must(t, s.CancelScheduledMessages(b.ctx, numbers[1:2], nil))
	if err := s.CancelScheduledMessages(b.ctx, numbers[1:2], nil); err == nil {
		t.Error("cancelled twice")
	}
	got := b.receive(b.receiver(nil), 2)
	if now := time.Now(); now.Before(at.Truncate(time.Millisecond)) || bodies(got) != "[a c]" {
		t.Errorf("received %s, %v before their time", bodies(got), at.Sub(now))
	}
	b.expectCounts(2, 0)
}

// Scheduling is all or nothing, and a message that is too large is refused.
func TestSDKScheduleRefused(t *testing.T) {
	b := newBus(t, emulator.Queue{MaxMessageSizeInKilobytes: 4})
	_, err := b.sender().ScheduleMessages(b.ctx, []*azservicebus.Message{{Body: []byte("a")}, {Body: make([]byte, 8<<10)}}, time.Now(), nil)
	if err == nil {
		t.Error("accepted")
	}
	b.expectCounts(0, 0)
}

// A second copy of a message within the window is accepted and dropped.
func TestSDKDuplicateDetection(t *testing.T) {
	b := newBus(t, emulator.Queue{RequiresDuplicateDetection: true})
	for i := range 3 {
		must(t, b.sender().SendMessage(b.ctx, &azservicebus.Message{Body: fmt.Appendf(nil, "copy %d", i), MessageID: to.Ptr("same")}, nil))
	}
	b.send("other")
	if got := bodies(b.receive(b.receiver(nil), 2)); got != "[copy 0 other]" {
		t.Errorf("received %s", got)
	}
}

// A message that outlives its time to live is dead-lettered where the queue says so, with Azure's reason.
func TestSDKExpiry(t *testing.T) {
	b := newBus(t, emulator.Queue{DeadLetteringOnMessageExpiration: true})
	must(t, b.sender().SendMessage(b.ctx, &azservicebus.Message{Body: []byte("a"), TimeToLive: to.Ptr(50 * time.Millisecond)}, nil))
	m := b.receiveOne(b.deadLetters(), "a")
	if *m.DeadLetterReason != "TTLExpiredException" || *m.DeadLetterSource != "q" {
		t.Errorf("got %v", m.ApplicationProperties)
	}
}

// The queue's time to live bounds a message's own, and the receiver is shown the one in force.
func TestSDKQueueTimeToLive(t *testing.T) {
	b := newBus(t, emulator.Queue{DefaultMessageTimeToLive: time.Hour})
	s := b.sender()
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{}, nil))
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{TimeToLive: to.Ptr(1000 * time.Hour)}, nil))
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{TimeToLive: to.Ptr(time.Minute)}, nil))
	for i, m := range b.receive(b.receiver(nil), 3) {
		want := []time.Duration{time.Hour, time.Hour, time.Minute}[i]
		if *m.TimeToLive != want || !m.ExpiresAt.Equal(m.EnqueuedTime.Add(want)) {
			t.Errorf("message %d: time to live %v, expires at %v", i, *m.TimeToLive, m.ExpiresAt)
		}
	}
}

// Whatever is done on an entity that does not exist says so.
func TestSDKUnknownEntity(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s, err := b.client.NewSender("nowhere", nil)
	must(t, err)
	expectCode(t, "send", s.SendMessage(b.ctx, &azservicebus.Message{}, nil), azservicebus.CodeNotFound)
	r, err := b.client.NewReceiverForQueue("nowhere", nil)
	must(t, err)
	_, err = r.ReceiveMessages(b.ctx, 1, nil)
	expectCode(t, "receive", err, azservicebus.CodeNotFound)
	_, err = r.PeekMessages(b.ctx, 1, nil)
	expectCode(t, "peek", err, azservicebus.CodeNotFound)
	r, err = b.client.NewReceiverForSubscription("q", "nobody", nil)
	must(t, err)
	_, err = r.ReceiveMessages(b.ctx, 1, nil)
	expectCode(t, "receive from a subscription", err, azservicebus.CodeNotFound)
}

// Entities are found without regard to case.
func TestSDKEntityNamesIgnoreCase(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s, err := b.client.NewSender("Q", nil)
	must(t, err)
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{Body: []byte("a")}, nil))
	b.receiveOne(b.receiver(nil), "a")
}

// Deleting a queue ends the receivers and senders that are attached to it.
func TestSDKQueueDeleted(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s, r := b.sender(), b.receiver(nil)
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{Body: []byte("a")}, nil))
	b.receiveOne(r, "a")
	received := make(chan error)
	go func() {
		for {
			if _, err := r.ReceiveMessages(b.ctx, 1, nil); err != nil {
				received <- err
				return
			}
		}
	}()
	must(t, b.broker.DeleteQueue("q"))
	expectCode(t, "receive", <-received, azservicebus.CodeNotFound)
	expectCode(t, "send", s.SendMessage(b.ctx, &azservicebus.Message{}, nil), azservicebus.CodeNotFound)
}

// A full queue refuses messages with the condition by which SDKs know a quota.
func TestSDKQueueFull(t *testing.T) {
	b := newBus(t, emulator.Queue{MaxSizeInMegabytes: 1})
	s := b.sender()
	var err error
	for range 6 {
		if err = s.SendMessage(b.ctx, &azservicebus.Message{Body: make([]byte, 200<<10)}, nil); err != nil {
			break
		}
	}
	var refused *amqp.Error
	if !errors.As(err, &refused) || refused.Condition != amqp.ErrCondResourceLimitExceeded {
		t.Errorf("got %v", err)
	}
}

// Sessions of Service Bus are refused in a way that the SDK reports at once.
func TestSDKSessionsAreRefused(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	_, err := b.client.AcceptSessionForQueue(b.ctx, "q", "s", nil)
	var refused *amqp.Error
	if !errors.As(err, &refused) || refused.Condition != amqp.ErrCondNotAllowed {
		t.Errorf("got %v", err)
	}
}

// An operation of $management that is not supported is answered, and the link lives on.
func TestSDKUnknownOperation(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	if _, err := b.client.NewListSessionsForQueuePager("q", nil).NextPage(b.ctx); err == nil || !strings.Contains(err.Error(), "501") {
		t.Errorf("listing sessions: %v", err)
	}
	b.send("a")
	b.receiveOne(b.receiver(nil), "a")
}
