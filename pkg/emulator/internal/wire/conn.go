package wire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
)

// conn is one connection.
type conn struct {
	server *Server
	net    net.Conn
	log    *slog.Logger
	frames *amqp.FrameReader // only of the reading goroutine
	ctx    context.Context   // ends with the connection
	cancel context.CancelFunc
	links  sync.WaitGroup // goroutines beside the reading one

	readLimitSet time.Time // only of the reading goroutine

	mu            sync.Mutex // guards all below
	opened        bool       // our open has been sent
	closing       bool       // our close has been sent: nothing may follow it
	dead          bool       // nothing is read or written any more
	swallows      bool       // a black hole: what comes is thrown away and nothing goes out
	writing       bool       // a goroutine is writing to the socket
	out           outbox
	writer        *sync.Cond // waited on by writeLoop
	room          *sync.Cond // waited on by the reading goroutine
	heartbeat     *time.Timer
	lastWrite     time.Time
	writeLimitSet time.Time
	peerFrameSize int
	sessions      map[uint16]*session // by the peer's channel, which is ours too
	linkCount     int
	blocked       int    // links that wait until less is to be written
	assembling    int    // bytes of messages received in part
	spare         []byte // for the next of them
	ack           ack
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{
		server:        s,
		net:           nc,
		log:           s.log.With("peer", nc.RemoteAddr().String()),
		peerFrameSize: amqp.MinMaxFrameSize,
		sessions:      make(map[uint16]*session),
	}
	c.frames = amqp.NewFrameReader(idleReader{c}, s.opts.MaxFrameSize)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.writer, c.room = sync.NewCond(&c.mu), sync.NewCond(&c.mu)
	c.swallows = s.faults.swallows()
	return c
}

// serve runs the connection until it ends, and returns when none of its goroutines is left.
func (c *conn) serve() {
	c.links.Go(c.writeLoop)
	err := c.handshake()
	if err == nil {
		err = c.readFrames()
	}
	c.finish(err)
	c.links.Wait()
	c.releaseUnsent()
}

// errBlackHole ends reading when a fault has made the connection a black hole.
var errBlackHole = errors.New("black hole")

// errClosedByPeer ends reading when the peer has closed the connection in good order.
var errClosedByPeer = errors.New("closed by the peer")

// readFrames handles frames until one gives an error. Frames that came together are answered together.
func (c *conn) readFrames() error {
	for {
		frame, err := c.frames.Next()
		if err != nil {
			return err
		}
		c.mu.Lock()
		err = c.handle(frame)
		if err == nil && !c.frames.Buffered() {
			c.flush()
		}
		c.awaitRoom()
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// handle handles one frame. An error ends the connection.
func (c *conn) handle(f amqp.Frame) error {
	switch {
	case c.dead:
		return net.ErrClosed
	case c.swallows:
		return errBlackHole
	case f.Type != amqp.FrameAMQP:
		return failure(amqp.CondFramingError, "a frame of type %d in the AMQP layer", f.Type)
	case len(f.Body) == 0:
		return nil
	case !c.pass():
		return net.ErrClosed
	}
	r := amqp.NewReader(f.Body)
	d := r.Descriptor()
	if r.Err() != nil {
		return r.Err()
	}
	if d == amqp.DescBegin {
		return c.begin(f.Channel, &r)
	}
	if d == amqp.DescClose {
		return c.closedByPeer(&r)
	}
	s := c.sessions[f.Channel]
	if s == nil {
		return failure(amqp.CondNotAllowed, "performative 0x%x on channel %d, which has no session", uint64(d), f.Channel)
	}
	return s.handle(d, &r)
}

func (c *conn) closedByPeer(r *amqp.Reader) error {
	var p amqp.Close
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	if p.Error != nil {
		c.log.Info("closed by the peer", "error", p.Error)
	}
	return errClosedByPeer
}

// finish ends the connection because of err, telling the peer why if it can be told.
func (c *conn) finish(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, errBlackHole) {
		c.mu.Unlock()
		_ = c.net.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, c.net)
		c.mu.Lock()
	}
	if reason, tell := closeReason(err); tell && !c.dead && !c.swallows {
		if c.opened {
			c.sayClose(reason)
		}
		c.mu.Unlock()
		c.linger()
		c.mu.Lock()
	}
	c.kill(err)
	for _, s := range c.sessions {
		s.close()
	}
}

// closeReason gives what to tell the peer when err ends the connection, and whether it listens at all.
func closeReason(err error) (reason *amqp.Error, tell bool) {
	switch {
	case errors.As(err, &reason):
		return reason, true
	case errors.Is(err, errClosedByPeer):
		return nil, true
	case errors.Is(err, amqp.ErrFrameTooLarge):
		return failure(amqp.CondFramingError, "%v", err), true
	case errors.Is(err, amqp.ErrMalformed):
		return failure(amqp.CondDecodeError, "%v", err), true
	case errors.Is(err, os.ErrDeadlineExceeded):
		return failure(amqp.CondResourceLimitExceeded, "nothing was received for too long"), true
	}
	return nil, false
}

// sayClose sends the close performative, for which a slow peer gets little time.
func (c *conn) sayClose(reason *amqp.Error) {
	if reason != nil {
		c.log.Info("closing a connection", "reason", reason)
	}
	c.send(0, &amqp.Close{Error: reason})
	c.closing = true
	c.cancel()
	c.wakeAll()
	_ = c.net.SetWriteDeadline(time.Now().Add(closeTimeout))
	for !c.dead && !c.swallows && len(c.out.held) == 0 && c.out.size() > 0 {
		if c.writing {
			c.room.Wait()
			continue
		}
		c.writeOnce()
	}
}

// linger lets the peer read what was sent last: closing a socket with unread input would reset it.
func (c *conn) linger() {
	if tcp, ok := c.net.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = c.net.SetReadDeadline(time.Now().Add(closeTimeout))
	_, _ = io.Copy(io.Discard, c.net)
}

// ended gives whether nothing may be sent any more.
func (c *conn) ended() bool { return c.dead || c.closing }

// kill makes the connection dead: nobody reads, writes or waits for anything any more.
func (c *conn) kill(err error) {
	if c.dead {
		return
	}
	c.dead = true
	c.log.Debug("a connection ended", "error", err)
	c.cancel()
	_ = c.net.Close()
	if c.heartbeat != nil {
		c.heartbeat.Stop()
	}
	c.writer.Broadcast()
	c.room.Broadcast()
	c.wakeAll()
}

// wakeAll makes every link that waits look again whether it may go on.
func (c *conn) wakeAll() {
	for _, s := range c.sessions {
		s.wakeAll()
	}
}

// shutdown ends the connection on the broker's own account.
func (c *conn) shutdown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead && !c.swallows && c.opened {
		c.sayClose(failure(amqp.CondConnectionForced, "The broker is shutting down."))
	}
	c.kill(ErrServerClosed)
}

// drop ends the connection as a broken network would.
func (c *conn) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	reset(c.net)
	c.kill(net.ErrClosed)
}

// releaseUnsent gives back the messages that never reached the socket. All others stay locked until their locks expire.
func (c *conn) releaseUnsent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.out.unsent {
		_ = u.queue.Release(u.token)
	}
	c.out = outbox{}
}

// idleReader reads from a connection and fails when the peer is silent for longer than it may be.
type idleReader struct {
	c *conn
}

func (r idleReader) Read(p []byte) (int, error) {
	c := r.c
	limit := 2 * c.server.opts.IdleTimeout
	if now := time.Now(); now.Sub(c.readLimitSet) > limit/8 {
		c.readLimitSet = now
		_ = c.net.SetReadDeadline(now.Add(limit))
	}
	n, err := c.net.Read(p)
	if err != nil && c.server.faults.swallows() {
		return n, errBlackHole
	}
	return n, err
}
