package emulator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// rawReceiver gives a receiver of the bare client that hands out credit by hand.
func rawReceiver(b *bus, s *amqp.Session, opts amqp.ReceiverOptions) *amqp.Receiver {
	b.t.Helper()
	opts.Credit = -1
	r, err := s.NewReceiver(b.ctx, "q", &opts)
	must(b.t, err)
	return r
}

func rawSender(b *bus, s *amqp.Session, opts *amqp.SenderOptions) *amqp.Sender {
	b.t.Helper()
	sender, err := s.NewSender(b.ctx, "q", opts)
	must(b.t, err)
	return sender
}

// expectCondition fails unless err is an AMQP error with this condition, wherever it was reported.
func expectCondition(t *testing.T, what string, err error, want amqp.ErrCond) {
	t.Helper()
	var plain *amqp.Error
	var link *amqp.LinkError
	if errors.As(err, &link) && link.RemoteErr != nil {
		plain = link.RemoteErr
	}
	if plain == nil && !errors.As(err, &plain) || plain.Condition != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

// Draining ends with what there is: all messages up to the credit, and then the credit used up.
func TestSDKDrain(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	r := rawReceiver(b, b.rawSession(), amqp.ReceiverOptions{})
	must(t, r.IssueCredit(10))
	must(t, r.DrainCredit(b.ctx, nil)) // nothing there
	b.send("a", "b")
	must(t, r.IssueCredit(10))
	for _, want := range []string{"a", "b"} {
		m, err := r.Receive(b.ctx, nil)
		if err != nil || string(m.GetData()) != want {
			t.Fatalf("received %v, %v", m, err)
		}
		must(t, r.AcceptMessage(b.ctx, m))
	}
	must(t, r.DrainCredit(b.ctx, nil))
	b.send("c")
	short, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
	defer cancel()
	if m, err := r.Receive(short, nil); err == nil {
		t.Errorf("received %s without credit", m.GetData())
	}
	must(t, r.IssueCredit(1))
	if m, err := r.Receive(b.ctx, nil); err != nil || string(m.GetData()) != "c" {
		t.Errorf("after a new credit: %v, %v", m, err)
	}
}

// A receiver gets no more messages than it has given credit for.
func TestSDKCredit(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	b.send(numbered(20)...)
	r := rawReceiver(b, b.rawSession(), amqp.ReceiverOptions{SettlementMode: amqp.ReceiverSettleModeSecond.Ptr()})
	left := 20
	for _, credit := range []uint32{1, 5, 3} {
		must(t, r.IssueCredit(credit))
		for range credit {
			m, err := r.Receive(b.ctx, nil)
			must(t, err)
			must(t, r.AcceptMessage(b.ctx, m))
		}
		short, cancel := context.WithTimeout(b.ctx, 50*time.Millisecond)
		if m, err := r.Receive(short, nil); err == nil {
			t.Errorf("received %s beyond %d credits", m.GetData(), credit)
		}
		cancel()
		left -= int(credit)
		b.expectCounts(left, 0)
	}
}

// Every outcome is carried out in both settle modes of a receiver.
func TestSDKOutcomes(t *testing.T) {
	for _, mode := range []amqp.ReceiverSettleMode{amqp.ReceiverSettleModeFirst, amqp.ReceiverSettleModeSecond} {
		b := newBus(t, emulator.Queue{})
		b.send(numbered(6)...)
		r := rawReceiver(b, b.rawSession(), amqp.ReceiverOptions{SettlementMode: mode.Ptr()})
		must(t, r.IssueCredit(6))
		var msgs []*amqp.Message
		for range 6 {
			m, err := r.Receive(b.ctx, nil)
			must(t, err)
			msgs = append(msgs, m)
		}
		must(t, r.AcceptMessage(b.ctx, msgs[0]))
		must(t, r.ReleaseMessage(b.ctx, msgs[1]))
		must(t, r.ModifyMessage(b.ctx, msgs[2], &amqp.ModifyMessageOptions{DeliveryFailed: true}))
		must(t, r.ModifyMessage(b.ctx, msgs[3], &amqp.ModifyMessageOptions{UndeliverableHere: true}))
		must(t, r.RejectMessage(b.ctx, msgs[4], nil))
		must(t, r.RejectMessage(b.ctx, msgs[5], &amqp.Error{Condition: "my:reason", Description: "mine"}))
		eventually(t, func() bool {
			c, err := b.broker.QueueCounts("q")
			return err == nil && c.DeadLetter == 2 && c.Active == 3
		})
		sdk := b.receiver(nil)
		for _, m := range b.receive(sdk, 2) { // the deferred one stays away
			want := map[string]uint32{"m1": 1, "m2": 2}[string(m.Body)]
			if m.DeliveryCount != want {
				t.Errorf("mode %v: %s comes at delivery %d", mode, m.Body, m.DeliveryCount)
			}
		}
		dead := b.receive(b.deadLetters(), 2)
		if dead[0].DeadLetterReason != nil || *dead[1].DeadLetterReason != "my:reason" || *dead[1].DeadLetterErrorDescription != "mine" {
			t.Errorf("mode %v: rejected with %v and %v", mode, dead[0].ApplicationProperties, dead[1].ApplicationProperties)
		}
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("it never came to hold")
		}
		time.Sleep(time.Millisecond)
	}
}

// Messages that are sent settled arrive without being answered.
func TestSDKSendSettled(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := rawSender(b, b.rawSession(), &amqp.SenderOptions{SettlementMode: amqp.SenderSettleModeSettled.Ptr()})
	for _, body := range numbered(50) {
		must(t, s.Send(b.ctx, amqp.NewMessage([]byte(body)), nil))
	}
	if got := bodies(b.receive(b.receiver(nil), 50)); got != fmt.Sprint(numbered(50)) {
		t.Errorf("received %s", got)
	}
}

// A batch with one message that must be refused leaves nothing in the queue.
func TestSDKBatchIsAllOrNothing(t *testing.T) {
	b := newBus(t, emulator.Queue{MaxMessageSizeInKilobytes: 16, MaxSizeInMegabytes: 1})
	s := rawSender(b, b.rawSession(), nil)
	good, err := amqp.NewMessage([]byte("good")).MarshalBinary()
	must(t, err)
	batch := func(messages ...[]byte) *amqp.Message {
		return &amqp.Message{Format: 0x80013700, Data: messages}
	}
	expectCondition(t, "with garbage in it", s.Send(b.ctx, batch(good, []byte("garbage")), nil), amqp.ErrCondDecodeError)
	expectCondition(t, "that is no batch", s.Send(b.ctx, &amqp.Message{Format: 0x80013700, Value: "x"}, nil), amqp.ErrCondDecodeError)
	b.expectCounts(0, 0)
	must(t, s.Send(b.ctx, batch(good, good), nil))
	b.expectCounts(2, 0)
}

// The limit on messages is told when a link attaches.
func TestSDKLinkTellsMaxMessageSize(t *testing.T) {
	b := newBus(t, emulator.Queue{MaxMessageSizeInKilobytes: 2000})
	if got := rawSender(b, b.rawSession(), nil).MaxMessageSize(); got != 2000<<10 {
		t.Errorf("the link allows %d bytes", got)
	}
}

// Many links and sessions share a connection without getting in each other's way.
func TestSDKManyLinks(t *testing.T) {
	const sessions, links = 10, 20
	b := newBus(t, emulator.Queue{})
	conn := b.dialRaw(nil)
	done := make(chan error)
	for i := range sessions {
		s := newSession(b, conn)
		for j := range links {
			go func() { done <- sendAndReceive(b.ctx, s, fmt.Sprintf("%d.%d", i, j)) }()
		}
	}
	for range sessions * links {
		must(t, <-done)
	}
	b.expectCounts(0, 0)
}

// sendAndReceive sends one message and receives and settles any one, each on a link of its own.
func sendAndReceive(ctx context.Context, s *amqp.Session, body string) error {
	sender, err := s.NewSender(ctx, "q", nil)
	if err != nil {
		return err
	}
	receiver, err := s.NewReceiver(ctx, "q", &amqp.ReceiverOptions{Credit: -1, SettlementMode: amqp.ReceiverSettleModeSecond.Ptr()})
	if err != nil {
		return err
	}
	if err := errors.Join(sender.Send(ctx, amqp.NewMessage([]byte(body)), nil), receiver.IssueCredit(1)); err != nil {
		return err
	}
	m, err := receiver.Receive(ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(receiver.AcceptMessage(ctx, m), receiver.Close(ctx), sender.Close(ctx))
}

// Messages larger than what a client takes in one frame come to it in several, between those of other links.
func TestSDKSmallFrames(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	conn := b.dialRaw(&amqp.ConnOptions{MaxFrameSize: 512})
	s := newSession(b, conn)
	sender := rawSender(b, s, nil)
	done := make(chan error)
	const n = 4
	for i := range n {
		r := rawReceiver(b, s, amqp.ReceiverOptions{})
		must(t, r.IssueCredit(1))
		go func() {
			m, err := r.Receive(b.ctx, nil)
			if err == nil && !bytes.Equal(m.GetData(), bytes.Repeat(m.GetData()[:1], 100<<10)) {
				err = fmt.Errorf("receiver %d: a message was mixed up", i)
			}
			done <- err
		}()
	}
	for i := range n {
		must(t, sender.Send(b.ctx, amqp.NewMessage(bytes.Repeat([]byte{byte(i)}, 100<<10)), nil))
	}
	for range n {
		must(t, <-done)
	}
}

// All SASL mechanisms of Service Bus are accepted, and none at all.
func TestSDKAuthentication(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	for name, sasl := range map[string]amqp.SASLType{
		"ANONYMOUS": amqp.SASLTypeAnonymous(), "PLAIN": amqp.SASLTypePlain("RootManageSharedAccessKey", "any"), "none": nil,
	} {
		s := newSession(b, b.dialRaw(&amqp.ConnOptions{SASLType: sasl}))
		if err := rawSender(b, s, nil).Send(b.ctx, amqp.NewMessage([]byte(name)), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := amqp.Dial(b.ctx, "amqp://"+b.broker.AMQPAddr(), &amqp.ConnOptions{SASLType: amqp.SASLTypeExternal("")})
	if err == nil {
		t.Error("EXTERNAL was accepted")
	}
}

// What the broker cannot do is refused with a condition that says so, at the link alone.
func TestSDKRefusedLinks(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := b.rawSession()
	_, err := s.NewReceiver(b.ctx, "nowhere", nil)
	expectCondition(t, "receiver", err, amqp.ErrCondNotFound)
	_, err = s.NewSender(b.ctx, "nowhere", nil)
	expectCondition(t, "sender", err, amqp.ErrCondNotFound)
	_, err = s.NewReceiver(b.ctx, "nowhere/$management", nil)
	expectCondition(t, "$management", err, amqp.ErrCondNotFound)
	_, err = s.NewReceiver(b.ctx, "", &amqp.ReceiverOptions{DynamicAddress: true})
	expectCondition(t, "dynamic address", err, amqp.ErrCondNotImplemented)
	must(t, rawSender(b, s, nil).Send(b.ctx, amqp.NewMessage(nil), nil))
}

// Addresses may be whole URIs, as some clients send them.
func TestSDKAddresses(t *testing.T) {
	b := newBus(t, emulator.Queue{})
	s := b.rawSession()
	for _, addr := range []string{"q", "/q", "sb://host/q", "amqps://host:5671/q/", "Q", "q/$DeadLetterQueue", "amqp://h/Q/$deadletterqueue"} {
		if _, err := s.NewReceiver(b.ctx, addr, nil); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// A connection on which nothing happens is kept alive by heartbeats in both directions.
func TestSDKHeartbeats(t *testing.T) {
	b, err := emulator.Start(&emulator.Options{IdleTimeout: 100 * time.Millisecond,
		Config: &emulator.Config{Queues: []emulator.Queue{{Name: "q"}}}})
	must(t, err)
	defer b.Close()
	conn, err := amqp.Dial(t.Context(), "amqp://"+b.AMQPAddr(), &amqp.ConnOptions{IdleTimeout: 200 * time.Millisecond})
	must(t, err)
	defer conn.Close()
	s, err := conn.NewSession(t.Context(), nil)
	must(t, err)
	sender, err := s.NewSender(t.Context(), "q", nil)
	must(t, err)
	time.Sleep(700 * time.Millisecond) // more than three times what either side tolerates
	must(t, sender.Send(t.Context(), amqp.NewMessage(nil), nil))
}
