package servicebus_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

// TestRoundTrip states that what is sent is received: payload, properties, and
// the message's own fields.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	for name, m := range map[string]*job.Message{
		"payload": newMessage("payload"), "empty": newMessage(""), "claim check": claimChecked(),
		"bare": {ID: issuer.Issue(""), Operation: "x", SubmittedAt: time.Now().UTC(), Attempt: 1},
	} {
		mustSend(t, s, m)
		d := receiveOne(t, r)
		got, want := d.Message, *m
		got.Body, want.Body = nil, nil
		if want.TimeToLive == 0 {
			got.TimeToLive = 0 // the queue's own
		}
		if d.Err != nil || string(d.Message.Body) != string(m.Body) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: received\n%+v, %v\nwant\n%+v", name, got, d.Err, want)
		}
		if d.DeliveryCount != 1 || d.SequenceNumber == 0 || time.Since(d.EnqueuedAt).Abs() > time.Minute || time.Until(d.LockedUntil) < 30*time.Second {
			t.Errorf("%s: delivery %+v", name, d)
		}
		if err := r.Complete(t.Context(), d); err != nil {
			t.Errorf("%s: complete: %v", name, err)
		}
	}
}

// TestBatches states that concurrent messages share batches, of which several
// are in flight.
func TestBatches(t *testing.T) {
	t.Parallel()
	const messages = 400
	f := newFixture(t)
	s := f.sender(t, nil)
	mustSend(t, s, newMessage("first"))
	f.Faults().Delay(100 * time.Millisecond)
	start := time.Now()
	sendAll(t, s, messages)
	// One at a time in each of four batches would take 10 seconds.
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("%d concurrent sends took %v", messages, took)
	}
	f.Faults().Delay(0)
	if counts, err := f.QueueCounts(queue); err != nil || counts.Active != messages+1 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestBatchKeepsMessagesApart states that messages which share batches and
// differ in all that a message may have arrive as they were sent.
func TestBatchKeepsMessagesApart(t *testing.T) {
	t.Parallel()
	const messages = 120
	f := newFixture(t)
	s, r := f.sender(t, &servicebus.SenderOptions{InFlight: 1}), f.receiver(t, nil)
	mustSend(t, s, newMessage("first"))
	receiveOne(t, r)
	f.Faults().Delay(20 * time.Millisecond) // so that they wait for each other
	sent := map[job.ID]*job.Message{}
	var senders errgroup.Group
	for i := range messages {
		m := [...]func() *job.Message{
			func() *job.Message { return newMessage(strings.Repeat("x", i)) },
			claimChecked,
			func() *job.Message {
				return &job.Message{ID: issuer.Issue(""), Operation: fmt.Sprint("bare-", i), SubmittedAt: time.Now().UTC(), Attempt: 1}
			},
		}[i%3]()
		sent[m.ID] = m
		senders.Go(func() error { return s.Send(t.Context(), m) })
	}
	if err := senders.Wait(); err != nil {
		t.Fatal(err)
	}
	f.Faults().Delay(0)
	for range messages {
		d := receiveOne(t, r)
		m, got := sent[d.Message.ID], d.Message
		delete(sent, d.Message.ID)
		if m == nil {
			t.Fatalf("%s was not sent, or was received before", d.Message.ID)
		}
		want := *m
		if string(got.Body) != string(want.Body) {
			t.Errorf("%s: %d bytes of payload, sent %d", got.ID, len(got.Body), len(want.Body))
		}
		if got.Body, want.Body = nil, nil; want.TimeToLive == 0 {
			got.TimeToLive = 0 // the queue's own
		}
		if d.Err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("received\n%+v, %v\nsent\n%+v", got, d.Err, want)
		}
	}
}

func sendAll(t *testing.T, s *servicebus.Sender, messages int) {
	t.Helper()
	var senders errgroup.Group
	for range messages {
		senders.Go(func() error { return s.Send(t.Context(), newMessage("x")) })
	}
	if err := senders.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestLoneMessage states that a message that comes alone waits for no other,
// neither when it is sent nor when it is received.
func TestLoneMessage(t *testing.T) {
	t.Parallel()
	const messages = 100
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	mustSend(t, s, newMessage("first"))
	receiveOne(t, r)
	fastest := time.Hour
	for range messages {
		start := time.Now()
		mustSend(t, s, newMessage("x"))
		d := receiveOne(t, r)
		fastest = min(fastest, time.Since(start))
		if err := r.Complete(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if fastest > 15*time.Millisecond { // the SDK's own wait for more messages is 20 ms
		t.Errorf("the fastest message took %v", fastest)
	}
}

// TestTooLarge states that a message which does not fit into a batch goes into
// the next, and one that fits into none is refused and hurts no other.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.sender(t, &servicebus.SenderOptions{InFlight: 1})
	if s.MaxMessageSize() != 200<<10 {
		t.Errorf("MaxMessageSize = %d", s.MaxMessageSize())
	}
	limit := strings.Repeat("x", int(s.MaxMessageSize()))
	if err := s.Send(t.Context(), newMessage(limit+"x")); !errors.Is(err, job.ErrTooLarge) && job.CodeOf(err) != job.CodePayloadTooLarge {
		t.Errorf("a payload over the limit: %v", err)
	}
	mustSend(t, s, newMessage(limit))
	f.Faults().Delay(20 * time.Millisecond) // so that they wait for each other
	var senders sync.WaitGroup
	for range 5 {
		senders.Go(func() {
			if err := s.Send(t.Context(), newMessage(limit)); err != nil {
				t.Errorf("a large message among others: %v", err)
			}
			if err := s.Send(t.Context(), newMessage("small")); err != nil {
				t.Errorf("a small message among others: %v", err)
			}
			huge := newMessage(limit)
			huge.StatusURL = limit
			if err := s.Send(t.Context(), huge); job.CodeOf(err) != job.CodePayloadTooLarge {
				t.Errorf("a message over the queue's limit: %v", err)
			}
		})
	}
	senders.Wait()
	f.Faults().Delay(0)
	if counts, _ := f.QueueCounts(queue); counts.Active != 11 {
		t.Errorf("%+v, want 11 messages", counts)
	}
}

// TestBadMessage states that a message which cannot be encoded hurts no other.
func TestBadMessage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.sender(t, &servicebus.SenderOptions{InFlight: 1})
	mustSend(t, s, newMessage("first"))
	f.Faults().Delay(20 * time.Millisecond)
	var senders sync.WaitGroup
	for i := range 20 {
		senders.Go(func() {
			m := newMessage("x")
			if i%2 == 0 {
				m.Query = "\xff"
			}
			if err := s.Send(t.Context(), m); (err != nil) != (i%2 == 0) {
				t.Errorf("message %d: %v", i, err)
			}
		})
	}
	senders.Wait()
}

// TestSchedule states that a scheduled message is not received before its time,
// and that it is the copy of a request and not its duplicate.
func TestSchedule(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	m := newMessage("again")
	m.Attempt = 2
	at := time.Now().Add(300 * time.Millisecond)
	if err := s.Schedule(t.Context(), m, at); err != nil {
		t.Fatal(err)
	}
	d := receiveOne(t, r)
	if early := time.Until(at); early > 10*time.Millisecond {
		t.Errorf("received %v early", early)
	}
	if d.Message.Attempt != 2 || d.Message.MessageID() != m.ID.String()+":2" {
		t.Errorf("received %+v", d.Message)
	}
}

// TestSendEnds states that Send ends with its context while the broker is
// silent, and does not look at the message afterwards.
func TestSendEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.sender(t, &servicebus.SenderOptions{Timeout: time.Second})
	mustSend(t, s, newMessage("first"))
	f.Faults().BlackHole(true)
	var senders sync.WaitGroup
	for range 20 {
		senders.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			m := newMessage("x")
			if err := s.Send(ctx, m); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, job.ErrBusy) {
				t.Errorf("send: %v", err)
			}
			clear(m.Body) // the race detector watches
			m.ContentType = "gone"
		})
	}
	senders.Wait()
	f.Faults().BlackHole(false)
}

// TestBounded states that no more messages wait than may: one more is refused
// at once.
func TestBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.sender(t, &servicebus.SenderOptions{MaxWaiting: 5, MaxBatch: 1, InFlight: 1, Timeout: time.Second})
	mustSend(t, s, newMessage("first"))
	f.Faults().BlackHole(true)
	var senders sync.WaitGroup
	outcomes := make(chan time.Duration, 20)
	for range cap(outcomes) {
		senders.Go(func() {
			start := time.Now()
			if err := s.Send(t.Context(), newMessage("x")); !errors.Is(err, job.ErrBusy) && job.CodeOf(err) != job.CodeServerBusy {
				t.Errorf("send: %v", err)
			}
			outcomes <- time.Since(start)
		})
	}
	senders.Wait()
	close(outcomes)
	atOnce := 0
	for took := range outcomes {
		if took < 500*time.Millisecond {
			atOnce++
		}
	}
	if atOnce < cap(outcomes)-6 { // 5 wait and one is in flight
		t.Errorf("%d of %d were refused at once", atOnce, cap(outcomes))
	}
	f.Faults().BlackHole(false)
}

// TestCloseSender states that closing sends what waits, and that nothing is
// accepted afterwards.
func TestCloseSender(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, err := servicebus.NewSender(f.connect, queue, &servicebus.SenderOptions{MaxBatch: 1, InFlight: 1})
	if err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, newMessage("first"))
	f.Faults().Delay(30 * time.Millisecond)
	var senders sync.WaitGroup
	begun := make(chan struct{}, 10)
	for range cap(begun) {
		senders.Go(func() {
			begun <- struct{}{}
			if err := s.Send(t.Context(), newMessage("x")); err != nil && !errors.Is(err, job.ErrBusy) {
				t.Errorf("send: %v", err)
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	for range 2 {
		closeSoon(t, s.Close)
	}
	senders.Wait()
	if err := s.Send(t.Context(), newMessage("late")); !errors.Is(err, job.ErrBusy) {
		t.Errorf("send after close: %v", err)
	}
	if err := s.Schedule(t.Context(), newMessage("late"), time.Now()); !errors.Is(err, job.ErrBusy) {
		t.Errorf("schedule after close: %v", err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, job.ErrBusy) {
		t.Errorf("ready after close: %v", err)
	}
}
