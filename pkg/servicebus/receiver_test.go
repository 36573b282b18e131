package servicebus_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

// TestSettle states what each settlement does to a message.
func TestSettle(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	dead := f.receiver(t, &servicebus.ReceiverOptions{DeadLetters: true})
	m := newMessage("x")
	mustSend(t, s, m)

	d := receiveOne(t, r)
	if err := r.Abandon(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	d = receiveOne(t, r)
	if d.Message.ID != m.ID || d.DeliveryCount != 2 {
		t.Errorf("after abandon: delivery %d of %s", d.DeliveryCount, d.Message.ID)
	}
	if err := r.DeadLetter(t.Context(), d, "HandlerFailed", "it – did not work"); err != nil {
		t.Fatal(err)
	}
	receiveNone(t, r)
	d = receiveOne(t, dead)
	if d.Message.ID != m.ID || d.DeadLetterReason != "HandlerFailed" || d.DeadLetterDescription != "it – did not work" {
		t.Errorf("dead letter %+v", d)
	}
	if err := dead.Complete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if counts, _ := f.QueueCounts(queue); counts.Active+counts.DeadLetter != 0 {
		t.Errorf("after complete: %+v", counts)
	}
}

// TestLockLost states that nothing can be done about a message whose lock is
// gone, also after it was settled.
func TestLockLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	for name, call := range map[string]func(*job.Delivery) error{
		"complete":    func(d *job.Delivery) error { return r.Complete(t.Context(), d) },
		"abandon":     func(d *job.Delivery) error { return r.Abandon(t.Context(), d) },
		"dead-letter": func(d *job.Delivery) error { return r.DeadLetter(t.Context(), d, "x", "y") },
		"renew":       func(d *job.Delivery) error { return r.Renew(t.Context(), d) },
	} {
		mustSend(t, s, newMessage(name))
		d := receiveOne(t, r)
		until := d.LockedUntil
		f.Faults().ExpireLocks(queue)
		if err := call(d); !errors.Is(err, job.ErrLockLost) {
			t.Errorf("%s: %v", name, err)
		}
		if !d.LockedUntil.Equal(until) {
			t.Errorf("%s moved the end of a lock that is gone", name)
		}
		again := receiveOne(t, r)
		if err := r.Complete(t.Context(), again); err != nil {
			t.Errorf("%s: the next delivery: %v", name, err)
		}
		if err := r.Renew(t.Context(), again); !errors.Is(err, job.ErrLockLost) {
			t.Errorf("%s: renew after complete: %v", name, err)
		}
	}
	if err := r.Complete(t.Context(), &job.Delivery{}); err == nil || errors.Is(err, job.ErrLockLost) {
		t.Errorf("a delivery of nobody: %v", err)
	}
}

// TestRenew states that renewing moves the end of the lock.
func TestRenew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	mustSend(t, s, newMessage("x"))
	d := receiveOne(t, r)
	first := d.LockedUntil
	until(t, time.Second, func() error {
		if err := r.Renew(t.Context(), d); err != nil {
			return err
		}
		if !d.LockedUntil.After(first) {
			return errors.New("the lock ends when it did")
		}
		return nil
	})
	if left := time.Until(d.LockedUntil); left < 50*time.Second || left > time.Minute {
		t.Errorf("the lock ends in %v, the queue's locks last a minute", left)
	}
}

// TestForeignMessage states that a message which another program put into the
// queue, and which cannot be understood, is received with the reason and what
// can be read of it.
func TestForeignMessage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	raw, r := f.raw(t), f.receiver(t, nil)
	guid := "9d3cbeb1-9f2f-4c9c-8c43-5d1dbb9a0b1e"
	for name, test := range map[string]struct {
		properties map[string]any
		id         string
		understood bool
	}{
		"nothing":   {},
		"bad id":    {properties: map[string]any{"RequestGUID": "x", "Operation": "o"}},
		"no name":   {properties: map[string]any{"RequestGUID": guid}, id: guid},
		"other app": {properties: map[string]any{"RequestGUID": guid, "Operation": "o", "PayloadSize": int32(1)}, id: guid, understood: true},
	} {
		err := raw.SendMessage(t.Context(), &azservicebus.Message{Body: []byte(name), ApplicationProperties: test.properties}, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := receiveOne(t, r)
		if (d.Err == nil) != test.understood || string(d.Message.Body) != name {
			t.Errorf("%s: %+v", name, d)
		}
		if id := d.Message.ID; id.IsZero() != (test.id == "") || !id.IsZero() && id.String() != test.id {
			t.Errorf("%s: id %s", name, id)
		}
		if err := r.Complete(t.Context(), d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForeignBody states that a body is taken whole however many sections it
// has, and that one which is not binary data is told, for it cannot be passed
// on.
func TestForeignBody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	raw, r := f.raw(t), f.receiver(t, nil)
	for name, test := range map[string]struct {
		body       azservicebus.AMQPAnnotatedMessageBody
		want       string
		understood bool
	}{
		"one section":  {azservicebus.AMQPAnnotatedMessageBody{Data: [][]byte{[]byte("whole")}}, "whole", true},
		"two sections": {azservicebus.AMQPAnnotatedMessageBody{Data: [][]byte{[]byte("wh"), []byte("ole")}}, "whole", true},
		"a value":      {azservicebus.AMQPAnnotatedMessageBody{Value: "text"}, "", false},
		"a sequence":   {azservicebus.AMQPAnnotatedMessageBody{Sequence: [][]any{{"text"}}}, "", false},
	} {
		err := raw.SendAMQPAnnotatedMessage(t.Context(), &azservicebus.AMQPAnnotatedMessage{
			Body: test.body, ApplicationProperties: newMessage("").Properties(),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := receiveOne(t, r)
		if (d.Err == nil) != test.understood || string(d.Message.Body) != test.want || d.Message.ID.IsZero() {
			t.Errorf("%s: %q, %v", name, d.Message.Body, d.Err)
		}
		if err := r.Complete(t.Context(), d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTakesNoMore states that a receiver takes as many messages as it asked for
// and leaves the others to others.
func TestTakesNoMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.sender(t, nil)
	sendAll(t, s, 10)
	first, second := f.receiver(t, nil), f.receiver(t, nil)
	seen := map[job.ID]bool{}
	for _, r := range []*servicebus.Receiver{first, second} {
		for n := 0; n < 5; {
			deliveries, err := r.Receive(t.Context(), 5-n)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range deliveries {
				seen[d.Message.ID] = true
			}
			n += len(deliveries)
		}
	}
	if len(seen) != 10 {
		t.Errorf("two receivers that took 5 each have %d messages", len(seen))
	}
}

// TestManyAtOnce states that calls of all kinds may be made at the same time.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const messages = 300
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	sendAll(t, s, messages)
	var settling sync.WaitGroup
	var mu sync.Mutex
	completed := 0
	for received := 0; received < messages; {
		deliveries, err := r.Receive(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		received += len(deliveries)
		for _, d := range deliveries {
			settling.Go(func() {
				if err := r.Renew(t.Context(), d); err != nil {
					t.Errorf("renew: %v", err)
				}
				if err := r.Complete(t.Context(), d); err != nil {
					t.Errorf("complete: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				completed++
			})
		}
	}
	settling.Wait()
	if counts, _ := f.QueueCounts(queue); completed != messages || counts.Active != 0 {
		t.Errorf("completed %d, left %+v", completed, counts)
	}
}

// TestPeek states that peeking shows messages in order, from where it is asked
// to, without taking them.
func TestPeek(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	var sent []job.ID
	for range 5 {
		m := newMessage("x")
		mustSend(t, s, m)
		sent = append(sent, m.ID)
	}
	peek := func(from int64, limit int) (ids []job.ID, last int64) {
		deliveries, err := r.Peek(t.Context(), from, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range deliveries {
			ids, last = append(ids, d.Message.ID), d.SequenceNumber
		}
		return ids, last
	}
	first, last := peek(0, 3)
	rest, end := peek(last+1, 10)
	if !slices.Equal(append(first, rest...), sent) || len(first) != 3 {
		t.Errorf("peeked %v and %v, want %v", first, rest, sent)
	}
	if none, _ := peek(end+1, 10); len(none) != 0 {
		t.Errorf("peeked %v behind the end", none)
	}
	if d := receiveOne(t, r); d.Message.ID != sent[0] || d.DeliveryCount != 1 {
		t.Errorf("peeking changed the first message: %+v", d)
	}
}

// TestReceiveEnds states that waiting for messages ends with its context, also
// when it waits for another Receive to end, and takes no message then.
func TestReceiveEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.receiver(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var waiting sync.WaitGroup
	for range 3 {
		waiting.Go(func() {
			if _, err := r.Receive(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("receive: %v", err)
			}
		})
	}
	waiting.Wait()
	mustSend(t, f.sender(t, nil), newMessage("x"))
	if d := receiveOne(t, f.receiver(t, nil)); d.DeliveryCount != 1 {
		t.Errorf("delivery %d", d.DeliveryCount)
	}
}

// TestNoQueue states that receiving ends when there is no queue, and that
// sending is for later.
func TestNoQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r, waiting := f.receiver(t, nil), f.receiver(t, nil)
	s := f.sender(t, nil)
	mustSend(t, s, newMessage("x"))
	receiveOne(t, r)
	ended := make(chan error, 1)
	go func() {
		_, err := waiting.Receive(t.Context(), 1)
		ended <- err
	}()
	if err := waiting.Ready(t.Context()); err != nil {
		t.Errorf("ready with a queue: %v", err)
	}
	if err := f.DeleteQueue(queue); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, job.ErrNotFound) {
		t.Errorf("receive: %v", err)
	}
	late := f.receiver(t, nil)
	if _, err := late.Receive(t.Context(), 1); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("receive from a queue that never was: %v", err)
	}
	if err := late.Ready(t.Context()); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("ready without a queue: %v", err)
	}
	if err := s.Send(t.Context(), newMessage("x")); !errors.Is(err, job.ErrBusy) {
		t.Errorf("send: %v", err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, job.ErrBusy) {
		t.Errorf("ready to send without a queue: %v", err)
	}
	if err := f.CreateQueue(newQueue()); err != nil {
		t.Fatal(err)
	}
	until(t, recovery, func() error { return s.Send(t.Context(), newMessage("x")) })
	until(t, recovery, func() error { return s.Ready(t.Context()) })
}
