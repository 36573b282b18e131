package relay

import (
	"errors"
	"io"
	"net"
	"sync"
)

// pair is a connection with the one it is passed on over.
type pair struct {
	relay   *Relay
	client  *net.TCPConn
	cutting bool // wants relay.mu

	mu     sync.Mutex
	server *net.TCPConn
	broken bool
}

func (p *pair) join(server *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = server
	if p.broken {
		server.Close()
	}
	return !p.broken
}

// reset ends both sides without a farewell.
func (p *pair) reset() { p.end(func(conn *net.TCPConn) { _ = conn.SetLinger(0) }) }

// close ends both sides when what was written has arrived.
func (p *pair) close() { p.end(func(*net.TCPConn) {}) }

func (p *pair) end(prepare func(*net.TCPConn)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
	for _, conn := range []*net.TCPConn{p.client, p.server} {
		if conn != nil {
			prepare(conn)
			conn.Close()
		}
	}
}

func (p *pair) run(server *net.TCPConn) {
	var ways sync.WaitGroup
	ways.Go(func() { p.copy(server, p.client) })
	ways.Go(func() { p.copy(p.client, server) })
	ways.Wait()
}

// copy moves bytes one way until that way ends.
func (p *pair) copy(to, from *net.TCPConn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		p.relay.pass()
		n = p.relay.moved(n)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				p.reset()
				return
			}
		}
		switch {
		case p.relay.isCutting(p), err != nil && !errors.Is(err, io.EOF):
			p.relay.cutAll(p)
			return
		case err != nil:
			_ = to.CloseWrite()
			return
		}
	}
}
