// Package relay passes TCP connections on and does to them what networks do
// now and then: it cuts them after some bytes, lets them go silent, refuses
// new ones. With several targets it spreads connections over them, as a load
// balancer does that knows no more than who takes a connection.
package relay

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Relay listens on a port of its own. It is safe for concurrent use.
type Relay struct {
	listener net.Listener
	targets  []string
	working  sync.WaitGroup

	mu     sync.Mutex
	pairs  map[*pair]struct{}
	left   int64 // bytes until the next cut; negative: none is due
	refuse bool
	hole   chan struct{} // closed when the black hole ends; nil: there is none
	closed bool
}

// Start relays from a free port to whichever target takes a connection.
func Start(targets ...string) (*Relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{listener: listener, targets: targets, pairs: map[*pair]struct{}{}, left: -1}
	r.working.Go(r.accept)
	return r, nil
}

// Addr is where clients connect to.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// Cut resets every connection.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		p.reset()
	}
}

// CutAfter resets every connection once n more bytes have passed over all of
// them, whichever way.
func (r *Relay) CutAfter(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = n
}

// Refuse has every new connection reset until called with false.
func (r *Relay) Refuse(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = on
}

// BlackHole has nothing pass any more, without a word to anybody, until called
// with false. Then the connections that have stalled are reset.
func (r *Relay) BlackHole(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case on && r.hole == nil:
		r.hole = make(chan struct{})
	case !on && r.hole != nil:
		for p := range r.pairs {
			p.reset()
		}
		close(r.hole)
		r.hole = nil
	}
}

// Calm ends all faults.
func (r *Relay) Calm() {
	r.Refuse(false)
	r.CutAfter(-1)
	r.BlackHole(false)
}

// Close resets all connections and ends the relay.
func (r *Relay) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.Calm()
	r.Cut()
	r.working.Wait()
	return err
}

func (r *Relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			r.working.Go(func() { r.serve(conn.(*net.TCPConn)) })
		}
	}
}

func (r *Relay) serve(client *net.TCPConn) {
	p := &pair{relay: r, client: client}
	if !r.add(p) {
		p.reset()
		return
	}
	defer r.remove(p)
	r.pass()
	server := r.dial()
	if server == nil || !p.join(server) {
		p.reset()
		return
	}
	p.run(server)
	p.close()
}

func (r *Relay) add(p *pair) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse || r.closed {
		return false
	}
	r.pairs[p] = struct{}{}
	return true
}

func (r *Relay) remove(p *pair) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pairs, p)
}

// dial tries the targets in random order.
func (r *Relay) dial() *net.TCPConn {
	for _, i := range rand.Perm(len(r.targets)) {
		conn, err := net.DialTimeout("tcp", r.targets[i], time.Second)
		if err == nil {
			return conn.(*net.TCPConn)
		}
	}
	return nil
}

// cutAll resets p, and with it all that are to be cut.
func (r *Relay) cutAll(p *pair) {
	p.reset()
	r.mu.Lock()
	defer r.mu.Unlock()
	for other := range r.pairs {
		if other.cutting {
			other.reset()
		}
	}
}

// pass returns when there is no black hole.
func (r *Relay) pass() {
	for {
		r.mu.Lock()
		hole := r.hole
		r.mu.Unlock()
		if hole == nil {
			return
		}
		<-hole
	}
}

// moved counts n bytes and gives how many of them may still pass.
func (r *Relay) moved(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left < 0 {
		return n
	}
	allowed := int(min(int64(n), r.left))
	r.left -= int64(n)
	if r.left >= 0 {
		return n
	}
	r.left = -1
	for p := range r.pairs {
		p.cutting = true
	}
	return allowed
}

func (r *Relay) isCutting(p *pair) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return p.cutting
}
