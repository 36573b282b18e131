package wire

import (
	"fmt"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// put sends a message with this body straight to the queue.
func (r *rig) put(bodies ...string) {
	r.t.Helper()
	for _, body := range bodies {
		m, err := parseMessage(message(body))
		if err == nil {
			err = r.queue.Send(m)
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// delivered reads the next delivery, which must be in one frame.
func (p *peer) delivered() (amqp.Transfer, amqp.Message) {
	p.t.Helper()
	var x amqp.Transfer
	m, err := amqp.ReadMessage(p.expect(amqp.DescTransfer, &x))
	if err != nil || x.More {
		p.t.Fatalf("delivery %+v, %v", x, err)
	}
	return x, m
}

// Messages sent together are answered together, in one disposition for as many as are in a row.
func TestAcknowledgementsAreJoined(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	p.sendsTo(0, "q")
	var all []byte
	const n = 20
	for id := range uint32(n) {
		all = append(all, frame(amqp.FrameAMQP, 0, &amqp.Transfer{DeliveryID: amqp.Some(id)}, message("x")...)...)
	}
	p.write(all)
	var d amqp.Disposition
	p.expect(amqp.DescDisposition, &d)
	if d.Role != amqp.RoleReceiver || d.First != 0 || d.Last != amqp.Some(uint32(n-1)) || !d.Settled || d.State.Kind != amqp.DescAccepted {
		t.Errorf("got %+v", d)
	}
}

// Different outcomes are never joined, and each names its own deliveries.
func TestAcknowledgementsOfDifferentOutcomes(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	p.sendsTo(0, "q")
	var all []byte
	for id := range uint32(6) {
		payload := message("x")
		if id == 2 || id == 3 {
			payload = []byte("garbage")
		}
		all = append(all, frame(amqp.FrameAMQP, 0, &amqp.Transfer{DeliveryID: amqp.Some(id)}, payload...)...)
	}
	p.write(all)
	got := ""
	for range 4 {
		var d amqp.Disposition
		p.expect(amqp.DescDisposition, &d)
		got += fmt.Sprintf("%d-%d %x, ", d.First, d.Last.Or(d.First), uint64(d.State.Kind))
	}
	if want := "0-1 24, 2-2 25, 3-3 25, 4-5 24, "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// One disposition may settle many deliveries, and each is answered; those that are late are told so.
func TestSettleRange(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	r.put("a", "b", "c", "d")
	p := r.open()
	p.receivesFrom(0, "q")
	p.credit(0, 3)
	for range 3 {
		p.delivered()
	}
	settle := &amqp.Disposition{Role: amqp.RoleReceiver, First: 0, Last: amqp.Some(uint32(2)), State: amqp.Accepted}
	p.send(0, settle)
	var d amqp.Disposition
	if p.expect(amqp.DescDisposition, &d); d.Role != amqp.RoleSender || d.First != 0 || d.Last.Or(0) != 2 || d.State.Kind != amqp.DescAccepted || !d.Settled {
		t.Errorf("settled with %+v", d)
	}
	settle.First = 2
	p.send(0, settle)
	if p.expect(amqp.DescDisposition, &d); d.First != 2 || d.State.Kind != amqp.DescRejected || d.State.Error.Condition != condLockLost {
		t.Errorf("settled again with %+v", d)
	}
	if n := r.queue.Runtime().ActiveMessageCount; n != 1 {
		t.Errorf("%d messages are left", n)
	}
}

// A delivery has the lock token as its tag, in the byte order of .NET, and the annotations of Azure.
func TestDeliveryTagAndAnnotations(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	r.put("a")
	p := r.open()
	p.receivesFrom(0, "q")
	p.credit(0, 1)
	x, m := p.delivered()
	if len(x.DeliveryTag) != 16 || x.MessageFormat != amqp.Some(uint32(0)) || x.Settled {
		t.Fatalf("got %+v", x)
	}
	token := queue.Token(tag(queue.Token(x.DeliveryTag))) // swapping bytes twice gives the token back
	until, err := r.queue.Renew(token)
	if err != nil {
		t.Errorf("the tag is no token: %v", err)
	}
	annotations := amqp.NewReader(m.MessageAnnotations)
	got := map[string]any{}
	for _, e := range annotations.Value().(amqp.Map) {
		got[string(e.Key.(amqp.Symbol))] = e.Value
	}
	enqueued, _ := got[keyEnqueuedTime].(time.Time)
	locked, _ := got[keyLockedUntil].(time.Time)
	if time.Since(enqueued) > patience || until.Sub(locked) > patience || len(got) != 5 || got[keySequenceNumber] != int64(1) ||
		got[keyEnqueuedSequenceNumber] != int64(1) || got[keyMessageState] != int32(0) {
		t.Errorf("got %v", got)
	}
}

// A message that was on its way to a peer but never left the broker is released at once when the connection ends; one that
// did leave stays locked.
func TestUnsentMessagesAreReleased(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	r.put("sent", "unsent")
	p := r.open()
	p.receivesFrom(0, "q")
	p.credit(0, 1)
	p.delivered()
	r.server.Faults().Delay(time.Hour)
	p.credit(0, 2)
	for deadline := time.Now().Add(patience); len(r.queue.Peek(0, 9)) == 2 && r.queue.Peek(2, 1)[0].LockedUntil.IsZero(); {
		if time.Now().After(deadline) {
			t.Fatal("the second message was never taken")
		}
	}
	p.net.Close()
	r.idle()
	msgs := r.queue.Peek(0, 9)
	if msgs[0].LockedUntil.IsZero() || !msgs[1].LockedUntil.IsZero() || msgs[1].DeliveryCount != 0 {
		t.Errorf("locked until %v and %v, delivery count %d", msgs[0].LockedUntil, msgs[1].LockedUntil, msgs[1].DeliveryCount)
	}
}

// Messages taken from the queue for a receiver that detached meanwhile go back at once.
func TestDetachReleasesWhatWasNotSent(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	p.send(0, &amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), IncomingWindow: 1}) // room for one transfer
	p.receivesFrom(0, "q")
	p.send(0, &amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), IncomingWindow: 1, Handle: amqp.Some(uint32(0)), LinkCredit: amqp.Some(uint32(5))})
	r.put("a", "b", "c")
	p.delivered()
	p.send(0, &amqp.Detach{Handle: 0, Closed: true})
	var d amqp.Detach
	if p.expect(amqp.DescDetach, &d); !d.Closed || d.Error != nil {
		t.Errorf("got %+v", d)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		msgs := r.queue.Peek(0, 9)
		if !msgs[0].LockedUntil.IsZero() && msgs[1].LockedUntil.IsZero() && msgs[2].LockedUntil.IsZero() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still locked: %v", msgs)
		}
	}
}

// Nothing is sent into a closed session window, and all that waits when it opens.
func TestSessionWindow(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	r.put("a", "b", "c")
	p := r.open()
	p.receivesFrom(0, "q")
	window := func(next, size uint32, echo bool) {
		p.send(0, &amqp.Flow{NextIncomingID: amqp.Some(next), IncomingWindow: size, Handle: amqp.Some(uint32(0)), LinkCredit: amqp.Some(uint32(9)), Echo: echo})
	}
	window(0, 0, true)
	var f amqp.Flow
	if p.expect(amqp.DescFlow, &f); f.NextOutgoingID != 0 || f.LinkCredit.Value != 9 {
		t.Errorf("before the window opened: %+v", f)
	}
	window(0, 2, false)
	p.delivered()
	p.delivered()
	window(1, 1, true) // one of the two has not been counted yet: the window is still full
	if p.expect(amqp.DescFlow, &f); f.NextOutgoingID != 2 {
		t.Errorf("at the end of the window: %+v", f)
	}
	window(2, 1, false)
	p.delivered()
}

// A peer that says nothing for longer than it was told to is cut off, with the condition the standard gives.
func TestIdleTimeout(t *testing.T) {
	r := newRig(t, Options{IdleTimeout: 50 * time.Millisecond}, queue.Properties{})
	p := r.open()
	start := time.Now()
	p.expectClose(amqp.CondResourceLimitExceeded)
	if took := time.Since(start); took < 50*time.Millisecond {
		t.Errorf("cut off after %v", took)
	}
	r.idle()
}

// Heartbeats come as often as the peer wants them.
func TestHeartbeats(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.dial()
	p.openWith(&amqp.Open{IdleTimeout: amqp.Some(uint32(200))})
	for range 3 {
		_ = p.net.SetReadDeadline(time.Now().Add(200*time.Millisecond + time.Second)) // a busy machine is late
		if f, err := p.frames.Next(); err != nil || len(f.Body) != 0 {
			t.Fatalf("%+v, %v", f, err)
		}
	}
}

// A connection closed by its peer is closed in return, and the broker's own end is told to its peers.
func TestClose(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	p.send(0, &amqp.Close{})
	var c amqp.Close
	if p.expect(amqp.DescClose, &c); c.Error != nil {
		t.Errorf("closed with %v", c.Error)
	}
	p.expectEnd()
	p = r.open()
	_ = r.server.Close()
	p.expect(amqp.DescClose, &c)
	if c.Error == nil || c.Error.Condition != amqp.CondConnectionForced {
		t.Errorf("closed with %v", c.Error)
	}
	if _, err := net.Dial("tcp", r.addr); err == nil {
		t.Error("the listener is still open")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.server.Serve(l); err != ErrServerClosed {
		t.Errorf("serving again: %v", err)
	}
}

// A sender's flow that asks for an echo gets one, and its delivery-count is taken over.
func TestSenderFlow(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	p.sendsTo(0, "q")
	var f amqp.Flow
	p.expect(amqp.DescFlow, &f) // the credit given at the start
	p.send(0, &amqp.Flow{Handle: amqp.Some(uint32(0)), DeliveryCount: amqp.Some(uint32(7)), Echo: true})
	p.expect(amqp.DescFlow, &f)
	if f.DeliveryCount != amqp.Some(uint32(7)) || f.LinkCredit.Value != linkCredit || f.IncomingWindow != incomingWindow {
		t.Errorf("got %+v", f)
	}
	p.send(0, &amqp.Flow{Echo: true})
	if p.expect(amqp.DescFlow, &f); f.Handle.Set {
		t.Errorf("the session's echo names a link: %+v", f)
	}
}

// A receiver that drains while its session's window is closed is answered all the same, and loses no message by it.
func TestDrainWithClosedWindow(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	r.put("a")
	p := r.open()
	p.receivesFrom(0, "q")
	flow := &amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), Handle: amqp.Some(uint32(0)), LinkCredit: amqp.Some(uint32(3)), Drain: true}
	p.send(0, flow)
	var f amqp.Flow
	if p.expect(amqp.DescFlow, &f); !f.Drain || f.LinkCredit.Value != 0 || f.DeliveryCount.Value != 3 {
		t.Errorf("got %+v", f)
	}
	p.send(0, &amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), IncomingWindow: 5, Handle: amqp.Some(uint32(0)),
		DeliveryCount: amqp.Some(uint32(3)), LinkCredit: amqp.Some(uint32(1))})
	p.delivered()
}

// Each SASL mechanism on offer is accepted.
func TestMechanisms(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	for _, name := range mechanisms {
		p := r.dial()
		p.write(append(amqp.HeaderSASL[:], frame(amqp.FrameSASL, 0, &amqp.SASLInit{Mechanism: name, InitialResponse: []byte("\x00u\x00p")})...))
		if h, err := p.frames.ProtocolHeader(); h != amqp.HeaderSASL || err != nil {
			t.Fatalf("%s: %v, %v", name, h, err)
		}
		var offer amqp.SASLMechanisms
		p.expect(amqp.DescSASLMechanisms, &offer)
		if !reflect.DeepEqual(offer.Mechanisms, mechanisms) {
			t.Errorf("offered %v", offer.Mechanisms)
		}
		var outcome amqp.SASLOutcome
		if p.expect(amqp.DescSASLOutcome, &outcome); outcome.Code != amqp.SASLOK {
			t.Errorf("%s: code %d", name, outcome.Code)
		}
		p.openWith(&amqp.Open{})
	}
}
