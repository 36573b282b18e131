package emulator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/go-cmp/cmp"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// All that a sender puts into a message comes out at the receiver, with the system properties that Azure adds.
func TestSDKMessageArrivesWhole(t *testing.T) {
	b := newBus(t, emulator.Queue{LockDuration: time.Minute})
	sent := &azservicebus.Message{
		Body: []byte{0, 1, 255}, ContentType: to.Ptr("image/png"), CorrelationID: to.Ptr("c"), MessageID: to.Ptr("id-1"),
		PartitionKey: to.Ptr("p"), ReplyTo: to.Ptr("r"), ReplyToSessionID: to.Ptr("rs"), SessionID: to.Ptr("s"),
		Subject: to.Ptr("thumbnail"), TimeToLive: to.Ptr(time.Hour), To: to.Ptr("t"),
		ApplicationProperties: map[string]any{"text": "ä", "int": int64(-1), "float": 1.5, "bool": true,
			"time": time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), "bytes": []byte{1}, "none": nil},
	}
	before := time.Now()
	must(t, b.sender().SendMessage(b.ctx, sent, nil))
	got := b.receiveOne(b.receiver(nil), "\x00\x01\xff")
	echo := got.Message()
	echo.ScheduledEnqueueTime = nil
	if diff := cmp.Diff(sent, echo); diff != "" {
		t.Error(diff)
	}
	within := func(name string, at *time.Time, low, high time.Time) {
		t.Helper()
		if at == nil || at.Before(low.Add(-time.Second)) || at.After(high.Add(time.Second)) {
			t.Errorf("%s is %v, want between %v and %v", name, at, low, high)
		}
	}
	now := time.Now()
	within("EnqueuedTime", got.EnqueuedTime, before, now)
	within("LockedUntil", got.LockedUntil, before.Add(time.Minute), now.Add(time.Minute))
	within("ExpiresAt", got.ExpiresAt, before.Add(time.Hour), now.Add(time.Hour))
	if *got.SequenceNumber < 1 || *got.EnqueuedSequenceNumber != *got.SequenceNumber || got.DeliveryCount != 1 ||
		got.State != azservicebus.MessageStateActive || got.LockToken == [16]byte{} || got.DeadLetterSource != nil {
		t.Errorf("system properties %+v", got)
	}
}

// Messages come in the order they were sent, and those put back come first again.
func TestSDKOrder(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send(numbered(10)...)
	r := b.receiver(nil)
	first := b.receive(r, 4)
	if got := bodies(first); got != "[m0 m1 m2 m3]" {
		t.Fatalf("received %s", got)
	}
	must(t, r.CompleteMessage(b.ctx, first[0], nil))
	must(t, r.AbandonMessage(b.ctx, first[1], nil))
	must(t, r.AbandonMessage(b.ctx, first[2], nil))
	if got := bodies(b.receive(r, 3)); got != "[m1 m2 m4]" {
		t.Errorf("then received %s", got)
	}
}

// A message without a message-id is given one.
func TestSDKMessageIDIsFilledIn(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send("a", "b")
	msgs := b.receive(b.receiver(nil), 2)
	if len(msgs[0].MessageID) != 32 || msgs[0].MessageID == msgs[1].MessageID {
		t.Errorf("ids %q and %q", msgs[0].MessageID, msgs[1].MessageID)
	}
}

// Receive-and-delete leaves nothing behind, not even a lock.
func TestSDKReceiveAndDelete(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send(numbered(20)...)
	r := b.receiver(&azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	msgs := b.receive(r, 20)
	if got, want := bodies(msgs), fmt.Sprint(numbered(20)); got != want {
		t.Errorf("received %s", got)
	}
	if msgs[0].LockedUntil != nil {
		t.Errorf("a deleted message is locked until %v", msgs[0].LockedUntil)
	}
	b.expectCounts(0, 0)
}

// Messages far larger than a frame go through whole, up to the limit to the byte.
func TestSDKLargeMessages(t *testing.T) {
	b := newBus(t, emulator.Queue{MaxMessageSizeInKilobytes: 2048})
	s, r := b.sender(), b.receiver(nil)
	const limit, around = 2048 << 10, 300
	for _, size := range []int{60 << 10, 64 << 10, 66 << 10, 1 << 20, limit - around} {
		body := bytes.Repeat([]byte{byte(size)}, size)
		must(t, s.SendMessage(b.ctx, &azservicebus.Message{Body: body}, nil))
		m := b.receive(r, 1)[0]
		if !bytes.Equal(m.Body, body) {
			t.Errorf("%d bytes came as %d", size, len(m.Body))
		}
		must(t, r.CompleteMessage(b.ctx, m, nil))
	}
	err := s.SendMessage(b.ctx, &azservicebus.Message{Body: make([]byte, limit)}, nil)
	if !errors.Is(err, azservicebus.ErrMessageTooLarge) {
		t.Errorf("one that is too large: %v", err)
	}
	b.expectCounts(0, 0)
}

// The message size is limited to 256 KB by default, and the SDK says so.
func TestSDKMessageTooLarge(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := b.sender()
	err := s.SendMessage(b.ctx, &azservicebus.Message{Body: make([]byte, 256<<10)}, nil)
	if !errors.Is(err, azservicebus.ErrMessageTooLarge) {
		t.Errorf("got %v", err)
	}
	b.expectCounts(0, 0)
	must(t, s.SendMessage(b.ctx, &azservicebus.Message{Body: make([]byte, 255<<10)}, nil))
}

// A batch arrives as the messages in it, in order.
func TestSDKBatch(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := b.sender()
	batch, err := s.NewMessageBatch(b.ctx, nil)
	must(t, err)
	want := numbered(300)
	for i, body := range want {
		m := &azservicebus.Message{Body: []byte(body), MessageID: to.Ptr(fmt.Sprint("id", i)),
			ApplicationProperties: map[string]any{"n": int64(i)}}
		must(t, batch.AddMessage(m, nil))
	}
	must(t, s.SendMessageBatch(b.ctx, batch, nil))
	msgs := b.receive(b.receiver(nil), len(want))
	if bodies(msgs) != fmt.Sprint(want) {
		t.Errorf("received %s", bodies(msgs))
	}
	if m := msgs[7]; m.MessageID != "id7" || m.ApplicationProperties["n"] != int64(7) {
		t.Errorf("got %+v", m)
	}
}

// A batch in the SDK is full at the queue's limit.
func TestSDKBatchLimit(t *testing.T) {
	b := newBus(t, emulator.Queue{MaxMessageSizeInKilobytes: 8})
	s := b.sender()
	batch, err := s.NewMessageBatch(b.ctx, nil)
	must(t, err)
	for err == nil {
		err = batch.AddMessage(&azservicebus.Message{Body: make([]byte, 1000)}, nil)
	}
	if !errors.Is(err, azservicebus.ErrMessageTooLarge) || batch.NumMessages() != 7 {
		t.Errorf("%d messages, then %v", batch.NumMessages(), err)
	}
	must(t, s.SendMessageBatch(b.ctx, batch, nil))
	b.expectCounts(7, 0)
}

// A message sent for later is not there before its time, and then is.
func TestSDKSendScheduled(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	at := time.Now().Add(300 * time.Millisecond)
	must(t, b.sender().SendMessage(b.ctx, &azservicebus.Message{Body: []byte("later"), ScheduledEnqueueTime: &at}, nil))
	m := b.receiveOne(b.receiver(nil), "later")
	if now := time.Now(); now.Before(at.Truncate(time.Millisecond)) {
		t.Errorf("received %v too early", at.Sub(now))
	}
	if m.ScheduledEnqueueTime == nil || !m.ScheduledEnqueueTime.Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("scheduled for %v", m.ScheduledEnqueueTime)
	}
}

// The body sections that the SDK can send, beside data, come back as they were sent.
func TestSDKAnnotatedMessages(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s, r := b.sender(), b.receiver(nil)
	for _, body := range []azservicebus.AMQPAnnotatedMessageBody{
		{Value: map[string]any{"k": []any{int64(1), "two"}}},
		{Sequence: [][]any{{"a", int64(1)}, {"b"}}},
		{Data: [][]byte{[]byte("one"), []byte("two")}},
	} {
		sent := &azservicebus.AMQPAnnotatedMessage{
			Body:               body,
			Header:             &azservicebus.AMQPAnnotatedMessageHeader{Durable: true, Priority: 7, TTL: time.Hour},
			MessageAnnotations: map[any]any{"x-opt-custom": "mine"},
			Properties:         &azservicebus.AMQPAnnotatedMessageProperties{MessageID: uint64(5), UserID: []byte("u"), ContentEncoding: to.Ptr("gzip")},
			Footer:             map[any]any{"crc": "x"},
		}
		must(t, s.SendAMQPAnnotatedMessage(b.ctx, sent, nil))
		got := b.receive(r, 1)[0].RawAMQPMessage
		if !reflect.DeepEqual(got.Body, body) || !reflect.DeepEqual(got.Properties, sent.Properties) || !reflect.DeepEqual(got.Footer, sent.Footer) {
			t.Errorf("got %+v %+v %+v", got.Body, got.Properties, got.Footer)
		}
		if h := got.Header; !h.Durable || h.Priority != 7 || h.TTL != time.Hour || got.MessageAnnotations["x-opt-custom"] != "mine" {
			t.Errorf("header %+v, annotations %v", h, got.MessageAnnotations)
		}
	}
}

// A receiver that waits gets a message the moment it is sent, and one whose caller gives up takes none with it.
func TestSDKReceiveWaits(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	r := b.receiver(nil)
	short, cancel := context.WithTimeout(b.ctx, 50*time.Millisecond)
	defer cancel()
	if msgs, err := r.ReceiveMessages(short, 5, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("received %v, %v from an empty queue", msgs, err)
	}
	received := make(chan *azservicebus.ReceivedMessage)
	go func() { received <- b.receive(r, 1)[0] }()
	b.send("late")
	if m := <-received; string(m.Body) != "late" || m.DeliveryCount != 1 {
		t.Errorf("received %s at delivery %d", m.Body, m.DeliveryCount)
	}
}
