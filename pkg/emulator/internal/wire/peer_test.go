package wire

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// rig is a server with one queue named "q".
type rig struct {
	t      testing.TB
	server *Server
	queue  *queue.Queue
	addr   string
}

func newRig(t testing.TB, opts Options, q queue.Properties) *rig {
	t.Helper()
	opts.Namespace = queue.NewNamespace()
	t.Cleanup(opts.Namespace.Close)
	q.Name = "q"
	created, err := opts.Namespace.Create(q)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, server: NewServer(opts), queue: created, addr: l.Addr().String()}
	served := make(chan error, 1)
	go func() { served <- r.server.Serve(l) }()
	t.Cleanup(func() {
		_ = r.server.Close()
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve gave %v", err)
		}
	})
	return r
}

// idle fails unless the server comes to have no connection left.
func (r *rig) idle() {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		n := 0
		r.server.each(func(*conn) { n++ })
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d connections are left", n)
		}
	}
}

// peer is a client that follows no rules but those of the test.
type peer struct {
	t      testing.TB
	net    net.Conn
	frames *amqp.FrameReader
}

// dial gives a peer that has said nothing yet.
func (r *rig) dial() *peer {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return &peer{t: r.t, net: nc, frames: amqp.NewFrameReader(nc, 1<<20)}
}

// open gives a peer with an open connection and a session on channel 0.
func (r *rig) open() *peer {
	r.t.Helper()
	p := r.dial()
	p.openWith(&amqp.Open{ContainerID: "peer"})
	p.send(0, &amqp.Begin{IncomingWindow: 1000, OutgoingWindow: 1000})
	p.expect(amqp.DescBegin, new(amqp.Begin))
	return p
}

func (p *peer) openWith(open *amqp.Open) {
	p.t.Helper()
	p.write(amqp.HeaderAMQP[:])
	if h, err := p.frames.ProtocolHeader(); h != amqp.HeaderAMQP || err != nil {
		p.t.Fatalf("header %v, %v", h, err)
	}
	p.send(0, open)
	p.expect(amqp.DescOpen, new(amqp.Open))
}

// write sends bytes. That the broker has hung up already is no failure.
func (p *peer) write(b []byte) { _, _ = p.net.Write(b) }

// frame gives an encoded frame.
func frame(t amqp.FrameType, channel uint16, body appender, payload ...byte) []byte {
	b, start := amqp.AppendFrameHeader(nil, t, channel)
	return amqp.FinishFrame(append(body.Append(b), payload...), start)
}

func (p *peer) send(channel uint16, body appender, payload ...byte) {
	p.write(frame(amqp.FrameAMQP, channel, body, payload...))
}

// performative is what a frame body is decoded into.
type performative interface{ Read(*amqp.Reader) }

// next gives the next frame that is no heartbeat, and a reader of what follows its descriptor.
func (p *peer) next() (amqp.Descriptor, amqp.Reader, error) {
	for {
		f, err := p.frames.Next()
		if err != nil {
			return 0, amqp.Reader{}, err
		}
		if len(f.Body) > 0 {
			r := amqp.NewReader(f.Body)
			d := r.Descriptor()
			return d, r, nil
		}
	}
}

// expect reads on until a frame with this performative comes and decodes it. It gives what follows it.
func (p *peer) expect(want amqp.Descriptor, into performative) []byte {
	p.t.Helper()
	for {
		d, r, err := p.next()
		if err != nil {
			p.t.Fatalf("waiting for 0x%x: %v", uint64(want), err)
		}
		if d == want {
			into.Read(&r)
			if r.Err() != nil {
				p.t.Fatalf("0x%x: %v", uint64(want), r.Err())
			}
			return r.Rest()
		}
		if d == amqp.DescClose && want != amqp.DescClose {
			var c amqp.Close
			c.Read(&r)
			p.t.Fatalf("closed with %v while waiting for 0x%x", c.Error, uint64(want))
		}
	}
}

// expectClose reads until the broker closes the connection with this condition, and then hangs up.
func (p *peer) expectClose(want amqp.Symbol) {
	p.t.Helper()
	var c amqp.Close
	p.expect(amqp.DescClose, &c)
	if c.Error == nil || c.Error.Condition != want {
		p.t.Errorf("closed with %v, want %s", c.Error, want)
	}
	p.expectEnd()
}

// expectEnd fails unless the broker hangs up.
func (p *peer) expectEnd() {
	p.t.Helper()
	for {
		_, _, err := p.next()
		if err == nil {
			continue
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			p.t.Errorf("the connection was left open")
		}
		if err != io.EOF && !errors.As(err, &timeout) {
			p.t.Errorf("the connection ended with %v", err)
		}
		p.net.Close()
		return
	}
}

// expectDetach reads until the broker detaches a link with this condition.
func (p *peer) expectDetach(handle uint32, want amqp.Symbol) {
	p.t.Helper()
	var d amqp.Detach
	p.expect(amqp.DescDetach, &d)
	if d.Handle != handle || d.Error == nil || d.Error.Condition != want {
		p.t.Errorf("detached %+v with %v, want handle %d with %s", d, d.Error, handle, want)
	}
}

// expectEndOfSession reads until the broker ends the session with this condition.
func (p *peer) expectEndOfSession(want amqp.Symbol) {
	p.t.Helper()
	var e amqp.End
	p.expect(amqp.DescEnd, &e)
	if e.Error == nil || e.Error.Condition != want {
		p.t.Errorf("session ended with %v, want %s", e.Error, want)
	}
}

// sendsTo attaches a link on which the peer sends.
func (p *peer) sendsTo(handle uint32, addr string) {
	p.t.Helper()
	p.send(0, &amqp.Attach{Name: "out", Handle: handle, Role: amqp.RoleSender, Source: &amqp.Source{},
		Target: &amqp.Target{Address: amqp.Some(addr)}, InitialDeliveryCount: amqp.Some(uint32(0))})
	p.expect(amqp.DescAttach, new(amqp.Attach))
}

// receivesFrom attaches a link on which the peer receives, settling second.
func (p *peer) receivesFrom(handle uint32, addr string) {
	p.t.Helper()
	p.send(0, &amqp.Attach{Name: "in", Handle: handle, Role: amqp.RoleReceiver, Source: &amqp.Source{Address: amqp.Some(addr)},
		Target: &amqp.Target{}, ReceiverSettleMode: amqp.Some(amqp.ReceiverSecond)})
	p.expect(amqp.DescAttach, new(amqp.Attach))
}

// credit gives the broker credit to send.
func (p *peer) credit(handle, credit uint32) {
	p.send(0, &amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), IncomingWindow: 1 << 30, OutgoingWindow: 1000,
		Handle: amqp.Some(handle), DeliveryCount: amqp.Some(uint32(0)), LinkCredit: amqp.Some(credit)})
}

// message gives an encoded message with this body.
func message(body string) []byte {
	return amqp.AppendBinary(amqp.AppendDescriptor(nil, amqp.DescData), []byte(body))
}

// transfer sends one whole message.
func (p *peer) transfer(handle, id uint32, payload []byte) {
	p.send(0, &amqp.Transfer{Handle: handle, DeliveryID: amqp.Some(id), DeliveryTag: []byte{byte(id)}, MessageFormat: amqp.Some(uint32(0))}, payload...)
}

// healthy fails unless the server still serves a well-behaved peer.
func (r *rig) healthy() {
	r.t.Helper()
	p := r.open()
	p.sendsTo(0, "q")
	p.transfer(0, 0, message("health"))
	var d amqp.Disposition
	if p.expect(amqp.DescDisposition, &d); d.State.Kind != amqp.DescAccepted {
		r.t.Errorf("a good message was answered with %+v", d)
	}
	p.net.Close()
}
