package wire

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// What breaks the rules of the connection closes it with an error that says which rule, and hurts nobody else.
func TestBrokenConnections(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	oversized := []byte{0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0}
	garbage := func(body ...byte) []byte {
		b, start := amqp.AppendFrameHeader(nil, amqp.FrameAMQP, 0)
		return amqp.FinishFrame(append(b, body...), start)
	}
	for name, c := range map[string]struct {
		send []byte
		want amqp.Symbol
	}{
		"a frame of 4 GB":             {oversized, amqp.CondFramingError},
		"a frame over the maximum":    {[]byte{0, 1, 0, 1, 2, 0, 0, 0}, amqp.CondFramingError},
		"a frame below its header":    {[]byte{0, 0, 0, 4, 2, 0, 0, 0}, amqp.CondDecodeError},
		"a data offset behind a body": {[]byte{0, 0, 0, 9, 9, 0, 0, 0, 1}, amqp.CondDecodeError},
		"a SASL frame":                {frame(amqp.FrameSASL, 0, &amqp.SASLInit{Mechanism: "PLAIN"}), amqp.CondFramingError},
		"a frame of unknown type":     {[]byte{0, 0, 0, 8, 2, 7, 0, 0}, amqp.CondFramingError},
		"no performative":             {garbage(0x40), amqp.CondDecodeError},
		"an unknown performative":     {garbage(0, 0x53, 0x19, 0x45), amqp.CondNotAllowed},
		"an unknown symbol":           {garbage(0, 0xa3, 1, 'x', 0x45), amqp.CondDecodeError},
		"a performative cut short":    {garbage(0, 0x53, 0x14, 0xc0, 200, 11), amqp.CondDecodeError},
		"a list of 2^32 fields":       {garbage(0, 0x53, 0x14, 0xd0, 0, 0, 0, 4, 255, 255, 255, 255), amqp.CondDecodeError},
		"a string for a handle":       {garbage(0, 0x53, 0x14, 0xc0, 4, 1, 0xa1, 1, 'x'), amqp.CondDecodeError},
		"deep nesting":                {garbage(append([]byte{0, 0x53, 0x12}, bytes.Repeat([]byte{0xc0, 100, 1}, 1000)...)...), amqp.CondDecodeError},
		"a second open":               {frame(amqp.FrameAMQP, 0, &amqp.Open{}), amqp.CondNotAllowed},
		"a channel without session":   {frame(amqp.FrameAMQP, 7, &amqp.Flow{}), amqp.CondNotAllowed},
		"a channel with one":          {frame(amqp.FrameAMQP, 0, &amqp.Begin{}), amqp.CondNotAllowed},
		"a channel above the maximum": {frame(amqp.FrameAMQP, maxChannel+1, &amqp.Begin{}), amqp.CondNotAllowed},
		"an answer to no begin":       {frame(amqp.FrameAMQP, 1, &amqp.Begin{RemoteChannel: amqp.Some(uint16(1))}), amqp.CondNotAllowed},
		"a handle above the maximum":  {frame(amqp.FrameAMQP, 0, &amqp.Attach{Handle: maxHandle + 1}), amqp.CondNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			p := r.open()
			p.t = t
			p.write(c.send)
			p.expectClose(c.want)
		})
	}
	r.idle()
	r.healthy()
}

// Mistakes in the handshake end it in the way of its stage.
func TestBrokenHandshakes(t *testing.T) {
	r := newRig(t, Options{HandshakeTimeout: 500 * time.Millisecond}, queue.Properties{})
	sasl := amqp.HeaderSASL[:]
	plain := amqp.HeaderAMQP[:]
	for name, c := range map[string]struct {
		send []byte
		want string // what the broker's last bytes contain
	}{
		"HTTP":                   {[]byte("GET / HTTP/1.1\r\n\r\n"), "AMQP\x00\x01\x00\x00"},
		"TLS":                    {[]byte{0x16, 3, 1, 2, 0, 1, 0, 1}, "AMQP\x00\x01\x00\x00"},
		"AMQP 0-9-1":             {[]byte("AMQP\x00\x00\x09\x01"), "AMQP\x00\x01\x00\x00"},
		"nothing":                {nil, ""},
		"half a header":          {[]byte("AMQP"), ""},
		"silence in SASL":        {sasl, "PLAIN"},
		"no SASL frame":          {append(sasl[:8:8], frame(amqp.FrameAMQP, 0, &amqp.Open{})...), "PLAIN"},
		"garbage for a SASL":     {append(sasl[:8:8], 0, 0, 0, 9, 2, 1, 0, 0, 0x40), "PLAIN"},
		"an unknown mechanism":   {append(sasl[:8:8], frame(amqp.FrameSASL, 0, &amqp.SASLInit{Mechanism: "X"})...), "\x00SD\xc0\x03\x01\x50\x01"},
		"silence before open":    {plain, "AMQP\x00\x01\x00\x00"},
		"another frame":          {append(plain[:8:8], frame(amqp.FrameAMQP, 0, &amqp.Begin{})...), "amqp:not-allowed"},
		"a heartbeat":            {append(plain[:8:8], 0, 0, 0, 8, 2, 0, 0, 0), "amqp:not-allowed"},
		"an open that is broken": {append(plain[:8:8], 0, 0, 0, 12, 2, 0, 0, 0, 0, 0x53, 0x10, 0x99), "amqp:decode-error"},
		"frames of 511 bytes":    {append(plain[:8:8], frame(amqp.FrameAMQP, 0, &amqp.Open{MaxFrameSize: amqp.Some(uint32(511))})...), "amqp:invalid-field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := r.dial()
			p.write(c.send)
			got, err := io.ReadAll(p.net)
			if err != nil || !bytes.Contains(got, []byte(c.want)) {
				t.Errorf("the broker sent %q, %v", got, err)
			}
		})
	}
	t.Run("after all", func(*testing.T) { r.healthy() })
}

// What breaks the rules of a session or link ends that one alone.
func TestBrokenSessionsAndLinks(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{MaxMessageSizeInKilobytes: 1})
	some := func(n uint32) amqp.Optional[uint32] { return amqp.Some(n) }
	sessions := map[string]struct {
		send appender
		want amqp.Symbol
	}{
		"transfer on no link":           {&amqp.Transfer{Handle: 9, DeliveryID: some(0)}, amqp.CondUnattachedHandle},
		"transfer on a receiver's link": {&amqp.Transfer{Handle: 1, DeliveryID: some(0)}, amqp.CondErrantLink},
		"flow on no link":               {&amqp.Flow{Handle: some(9)}, amqp.CondUnattachedHandle},
		"detach of no link":             {&amqp.Detach{Handle: 9}, amqp.CondUnattachedHandle},
		"attach on a handle in use":     {&amqp.Attach{Handle: 1}, amqp.CondHandleInUse},
	}
	for name, c := range sessions {
		t.Run(name, func(t *testing.T) {
			p := r.open()
			p.t = t
			p.sendsTo(0, "q")
			p.receivesFrom(1, "q")
			p.send(0, c.send)
			p.expectEndOfSession(c.want)
			p.send(0, &amqp.Transfer{Handle: 0, DeliveryID: some(0)}, message("ignored")...)
			p.send(0, &amqp.End{})
			p.send(0, &amqp.Begin{IncomingWindow: 1, OutgoingWindow: 1})
			p.expect(amqp.DescBegin, new(amqp.Begin))
		})
	}
	links := map[string]struct {
		send appender
		want amqp.Symbol
	}{
		"no delivery-id":    {&amqp.Transfer{}, amqp.CondInvalidField},
		"message too large": {&amqp.Transfer{DeliveryID: some(0), DeliveryTag: make([]byte, 2), Settled: true}, amqp.CondMessageSizeExceeded},
	}
	for name, c := range links {
		t.Run(name, func(t *testing.T) {
			p := r.open()
			p.t = t
			p.sendsTo(0, "q")
			p.send(0, c.send, make([]byte, 1<<10+1)...)
			p.expectDetach(0, c.want)
			p.transfer(0, 1, message("ignored"))
			p.send(0, &amqp.Detach{Handle: 0, Closed: true})
			p.sendsTo(0, "q")
		})
	}
	if n := r.queue.Runtime().ActiveMessageCount; n != 0 {
		t.Errorf("%d messages got through", n)
	}
	r.healthy()
}

// Attaches for what there is not are answered by an attach without a terminus and a detach with the reason.
func TestRefusedAttaches(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	mode := amqp.Some(uint8(9))
	for handle, c := range []struct {
		attach amqp.Attach
		want   amqp.Symbol
	}{
		{amqp.Attach{Role: amqp.RoleSender}, amqp.CondInvalidField},
		{amqp.Attach{Role: amqp.RoleReceiver}, amqp.CondInvalidField},
		{amqp.Attach{Role: amqp.RoleSender, Target: &amqp.Target{Coordinator: true}}, amqp.CondNotImplemented},
		{amqp.Attach{Role: amqp.RoleSender, Target: &amqp.Target{Dynamic: true}}, amqp.CondNotImplemented},
		{amqp.Attach{Role: amqp.RoleSender, SenderSettleMode: mode}, amqp.CondInvalidField},
		{amqp.Attach{Role: amqp.RoleReceiver, ReceiverSettleMode: mode}, amqp.CondInvalidField},
		{amqp.Attach{Role: amqp.RoleSender, Target: &amqp.Target{}}, amqp.CondNotFound},
		{amqp.Attach{Role: amqp.RoleReceiver, Source: &amqp.Source{Address: amqp.Some("q/$Transfer")}}, amqp.CondNotFound},
	} {
		c.attach.Handle = uint32(handle)
		p.send(0, &c.attach)
		var answer amqp.Attach
		if p.expect(amqp.DescAttach, &answer); answer.Source != nil || answer.Target != nil || answer.Role == c.attach.Role {
			t.Errorf("%+v was answered by %+v", c.attach, answer)
		}
		p.expectDetach(uint32(handle), c.want)
	}
}

// A peer that sends without credit loses the link, and one that ignores the session's window loses the session.
func TestCreditAbuse(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	p.sendsTo(0, "q")
	// The broker grants new credit as it handles messages, so that only a delivery-count that runs ahead can use it up.
	for id := range uint32(2 * linkCredit) {
		p.transfer(0, id, message("x"))
	}
	p.send(0, &amqp.End{})
	p.expect(amqp.DescEnd, new(amqp.End))
	if n := r.queue.Runtime().ActiveMessageCount; n != 2*linkCredit {
		t.Errorf("%d messages", n)
	}
	s := &session{conn: newConn(r.server, p.net), incomingLeft: 1}
	if !s.countTransfer() || s.incomingLeft != incomingWindow {
		t.Errorf("the window was not opened again: %d", s.incomingLeft)
	}
	s.incomingLeft = 0
	if s.countTransfer() {
		t.Error("a transfer beyond the window was let in")
	}
}

// A peer that vanishes in the middle of a message leaves nothing behind, neither in the queue nor in memory.
func TestVanishInMidTransfer(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	whole := frame(amqp.FrameAMQP, 0, &amqp.Transfer{DeliveryID: amqp.Some(uint32(0))}, message("body")...)
	for cut := 1; cut < len(whole); cut += 7 {
		p := r.open()
		p.sendsTo(0, "q")
		p.send(0, &amqp.Transfer{DeliveryID: amqp.Some(uint32(0)), More: true}, message("first part")...)
		p.write(whole[:cut])
		p.net.Close()
	}
	r.idle()
	if n := r.queue.Runtime().ActiveMessageCount; n != 0 {
		t.Errorf("%d messages", n)
	}
}

// An aborted message is forgotten, and the link goes on.
func TestAbortedTransfer(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	p.sendsTo(0, "q")
	p.send(0, &amqp.Transfer{DeliveryID: amqp.Some(uint32(0)), More: true}, message("never")...)
	p.send(0, &amqp.Transfer{Aborted: true})
	p.transfer(0, 1, message("sent"))
	var d amqp.Disposition
	if p.expect(amqp.DescDisposition, &d); d.First != 1 || d.State.Kind != amqp.DescAccepted {
		t.Errorf("got %+v", d)
	}
	if n := r.queue.Runtime().ActiveMessageCount; n != 1 {
		t.Errorf("%d messages", n)
	}
}

// A message over the limit is rejected when its last frame has come, without having been kept, and the link goes on.
func TestTooLargeIsRejected(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{MaxMessageSizeInKilobytes: 1})
	p := r.open()
	p.sendsTo(0, "q")
	p.send(0, &amqp.Transfer{DeliveryID: amqp.Some(uint32(0)), More: true}, message("first part")...)
	for range 1000 {
		p.send(0, &amqp.Transfer{More: true}, make([]byte, 10<<10)...)
	}
	p.send(0, &amqp.Transfer{}, 0)
	var d amqp.Disposition
	p.expect(amqp.DescDisposition, &d)
	if d.First != 0 || d.State.Kind != amqp.DescRejected || d.State.Error.Condition != amqp.CondMessageSizeExceeded {
		t.Errorf("got %+v", d)
	}
	p.transfer(0, 1, message("small"))
	if p.expect(amqp.DescDisposition, &d); d.First != 1 || d.State.Kind != amqp.DescAccepted {
		t.Errorf("got %+v", d)
	}
}

// A malformed message is rejected, or costs its link when it was sent settled, and the rest goes on.
func TestMalformedMessageIsRejected(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	p.sendsTo(0, "q")
	p.transfer(0, 0, []byte("garbage"))
	var d amqp.Disposition
	p.expect(amqp.DescDisposition, &d)
	if !d.Settled || d.State.Kind != amqp.DescRejected || d.State.Error.Condition != amqp.CondDecodeError {
		t.Errorf("got %+v", d)
	}
	p.send(0, &amqp.Transfer{DeliveryID: amqp.Some(uint32(1)), Settled: true}, []byte("garbage")...)
	p.expectDetach(0, amqp.CondDecodeError)
}

// Noise of every kind, on a fresh connection and inside a session, never does more than end the connection.
func TestNoise(t *testing.T) {
	r := newRig(t, Options{HandshakeTimeout: time.Second}, queue.Properties{})
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		noise := make([]byte, 1+rng.IntN(300))
		for j := range noise {
			noise[j] = byte(rng.Uint32())
		}
		p := r.dial()
		if i%2 == 0 {
			p.write(noise)
		} else {
			p.write(amqp.HeaderAMQP[:])
			p.send(0, &amqp.Open{})
			p.send(0, &amqp.Begin{IncomingWindow: 10})
			b, start := amqp.AppendFrameHeader(nil, amqp.FrameAMQP, 0)
			p.write(amqp.FinishFrame(append(append(b, 0, 0x53, byte(0x10+i%9)), noise...), start))
		}
		p.net.Close()
	}
	r.idle()
	r.healthy()
}
