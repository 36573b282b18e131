package wire

import (
	"cmp"
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Options set up a Server. Only Namespace is needed.
type Options struct {
	Namespace        *queue.Namespace
	Logger           *slog.Logger  // nil discards
	MaxFrameSize     uint32        // bytes that a frame may have in either direction; 64 KiB, at least 512
	IdleTimeout      time.Duration // what clients are told; a connection silent for twice as long is closed; 4 minutes, as on Azure
	HandshakeTimeout time.Duration // from connect to open; 30 s
}

// Server serves AMQP connections.
type Server struct {
	opts   Options
	log    *slog.Logger
	faults *Faults

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	closed    bool
	running   sync.WaitGroup
}

// ErrServerClosed is returned by Serve after Close.
var ErrServerClosed = errors.New("wire: server closed")

// NewServer gives a server that is ready to serve.
func NewServer(opts Options) *Server {
	opts.MaxFrameSize = max(cmp.Or(opts.MaxFrameSize, defaultMaxFrameSize), amqp.MinMaxFrameSize)
	opts.IdleTimeout = cmp.Or(opts.IdleTimeout, defaultIdleTimeout)
	opts.HandshakeTimeout = cmp.Or(opts.HandshakeTimeout, defaultHandshakeTimeout)
	s := &Server{
		opts:      opts,
		log:       cmp.Or(opts.Logger, slog.New(slog.DiscardHandler)),
		listeners: make(map[net.Listener]struct{}),
		conns:     make(map[*conn]struct{}),
	}
	s.faults = &Faults{server: s}
	return s
}

// Faults gives the control over the server's faults.
func (s *Server) Faults() *Faults { return s.faults }

// Serve accepts connections until the listener fails or the server is closed, and closes the listener. It always gives an
// error; after Close that is [ErrServerClosed].
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.add(l) {
		return ErrServerClosed
	}
	for wait := time.Duration(0); ; {
		nc, err := l.Accept()
		switch {
		case err == nil:
			wait = 0
			s.accept(nc)
		case s.isClosed():
			return ErrServerClosed
		case !temporary(err):
			return err
		default:
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			s.log.Warn("cannot accept a connection", "error", err, "retry", wait)
			time.Sleep(wait)
		}
	}
}

// temporary gives whether an error of Accept, such as too many open files, may pass.
func temporary(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED)
}

func (s *Server) add(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// accept starts a connection, unless a fault or the end of the server forbids it.
func (s *Server) accept(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.faults.refuses() {
		reset(nc)
		return
	}
	c := newConn(s, nc)
	s.conns[c] = struct{}{}
	s.running.Go(func() {
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	})
}

// each calls f for every connection there is.
func (s *Server) each(f func(*conn)) {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		f(c)
	}
}

// Close ends all listeners and connections and waits until no goroutine is left.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	s.mu.Unlock()
	s.each(func(c *conn) { go c.shutdown() })
	s.running.Wait()
	return nil
}

// reset closes a connection so abruptly that its peer sees it being reset.
func reset(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = nc.Close()
}
