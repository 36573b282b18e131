package servicebus_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

// relay stands between clients and the broker. It can freeze the connections
// there are: they stay open, and nothing comes through any more, as when a
// firewall has forgotten them. New connections work.
type relay struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu       sync.Mutex
	conns    []net.Conn
	up, down chan struct{} // closed when that way of the present connections freezes
	closed   bool
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, target: target, up: make(chan struct{}), down: make(chan struct{})}
	r.running.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			client.Close()
			continue
		}
		r.join(client, server)
	}
}

func (r *relay) join(client, server net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		client.Close()
		server.Close()
		return
	}
	r.conns = append(r.conns, client, server)
	up, down := r.up, r.down
	r.running.Go(func() { pipe(client, server, down) })
	r.running.Go(func() { pipe(server, client, up) })
}

// pipe copies until an end closes. From when frozen is closed it swallows.
func pipe(to, from net.Conn, frozen <-chan struct{}) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-frozen:
			if err != nil {
				return // and the other end hears nothing of it
			}
			continue
		default:
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if err == io.EOF {
				to.Close()
			}
			return
		}
	}
}

// freeze freezes the connections there are.
func (r *relay) freeze() {
	r.freezeUp()
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.down)
	r.down = make(chan struct{})
}

// freezeUp has nothing come through to the broker any more, over the
// connections there are.
func (r *relay) freezeUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.up)
	r.up = make(chan struct{})
}

func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for _, c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// newFrozenFixture gives a fixture whose connections go through a relay.
func newFrozenFixture(t *testing.T) (*fixture, *relay) {
	t.Helper()
	f := newFixture(t)
	r := newRelay(t, f.AMQPAddr())
	settings := azure.ServiceBus{ConnectionString: strings.Replace(f.ConnectionString(), f.AMQPAddr(), r.listener.Addr().String(), 1)}
	connect, err := settings.Connector(nil)
	if err != nil {
		t.Fatal(err)
	}
	f.direct, f.connect = f.connect, connect
	return f, r
}

// TestFrozenSender states that a sender whose connection has gone silent for
// good makes a new one, within seconds.
func TestFrozenSender(t *testing.T) {
	t.Parallel()
	f, r := newFrozenFixture(t)
	s := f.sender(t, &servicebus.SenderOptions{Timeout: time.Second})
	mustSend(t, s, newMessage("before"))
	r.freeze()
	until(t, recovery, func() error { return s.Send(t.Context(), newMessage("after")) })
	r.freeze()
	until(t, recovery, func() error { return s.Schedule(t.Context(), newMessage("later"), time.Now().Add(time.Hour)) })
	r.freeze()
	until(t, recovery, func() error { // as a probe asks, when nothing is sent
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return s.Ready(ctx)
	})
}

// TestFrozenReceiver states that a receiver that waits on a connection which
// has gone silent for good finds that out by itself, within seconds. (The
// message that the broker gives to the dead connection stays locked there.)
func TestFrozenReceiver(t *testing.T) {
	t.Parallel()
	f, relay := newFrozenFixture(t)
	r := f.receiver(t, nil)
	received := make(chan *job.Delivery, 1)
	receiveNone(t, r)
	go func() {
		if d, err := r.Receive(t.Context(), 1); err == nil {
			received <- d[0]
		} else if t.Context().Err() == nil {
			t.Errorf("receive: %v", err)
		}
	}()
	relay.freeze()
	s := f.sender(t, nil)
	mustSend(t, s, newMessage("lost on the way"))
	mustSend(t, s, newMessage("after"))
	select {
	case d := <-received:
		if err := r.Complete(t.Context(), d); err != nil {
			t.Errorf("complete: %v", err)
		}
	case <-time.After(recovery):
		t.Errorf("nothing received within %v", recovery)
	}
}

// TestFrozenSettlement states that messages that were received over a
// connection which has gone silent for good are renewed and settled over a new
// one, within seconds.
func TestFrozenSettlement(t *testing.T) {
	t.Parallel()
	f, relay := newFrozenFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	var held []*job.Delivery
	for range 20 {
		mustSend(t, s, newMessage("x"))
		held = append(held, receiveOne(t, r))
	}
	relay.freeze()
	start := time.Now()
	var settling sync.WaitGroup
	for _, d := range held {
		settling.Go(func() {
			if err := r.Renew(t.Context(), d); err != nil {
				t.Errorf("renew: %v", err)
			}
			if err := r.Complete(t.Context(), d); err != nil {
				t.Errorf("complete: %v", err)
			}
		})
	}
	settling.Wait()
	if took := time.Since(start); took > recovery {
		t.Errorf("it took %v", took)
	}
	if counts, _ := f.QueueCounts(queue); counts.Active != 0 {
		t.Errorf("%+v", counts)
	}
}
