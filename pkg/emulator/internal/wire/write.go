package wire

import (
	"net"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
)

// appender is a performative or SASL frame body.
type appender interface {
	Append(b []byte) []byte
}

// send appends a frame, unless the connection has ended.
func (c *conn) send(channel uint16, body appender) {
	c.emitAck()
	c.sendNow(channel, body)
}

// sendNow is send without regard to settlements that wait to be answered.
func (c *conn) sendNow(channel uint16, body appender) {
	if !c.pass() {
		return
	}
	b, start := amqp.AppendFrameHeader(c.out.buf, amqp.FrameAMQP, channel)
	c.out.buf = amqp.FinishFrame(body.Append(b), start)
}

// pass gives whether a frame may come or go: not when the connection has ended, or when a fault drops it at this frame.
func (c *conn) pass() bool {
	if !c.ended() && !c.server.faults.countFrame() {
		reset(c.net)
		c.kill(net.ErrClosed)
	}
	return !c.ended()
}

// flush writes what has been appended, or sees to it that another goroutine does. The mutex is released while writing.
func (c *conn) flush() {
	c.emitAck()
	if c.dead || c.swallows {
		return
	}
	if d := c.server.faults.delay(); d > 0 || len(c.out.held) > 0 {
		c.holdBack(d)
		return
	}
	if !c.writing && len(c.out.buf) > 0 {
		c.writeOnce()
	}
	c.wakeWriter()
}

// needsFlush gives whether flush would do something.
func (c *conn) needsFlush() bool {
	return !c.dead && !c.swallows && (c.ack.session != nil || len(c.out.buf) > 0 && !c.writing)
}

// holdBack keeps what has been appended for d.
func (c *conn) holdBack(d time.Duration) {
	c.out.hold(time.Now().Add(d))
	time.AfterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.wakeWriter()
	})
}

// wakeWriter makes the writing goroutine run if there is something for it to write.
func (c *conn) wakeWriter() {
	if !c.writing && c.out.ready(time.Now) {
		c.writer.Signal()
	}
}

// writeLoop writes what flush leaves over until the connection is dead.
func (c *conn) writeLoop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.dead {
		if c.writing || c.swallows || !c.out.ready(time.Now) {
			c.writer.Wait()
			continue
		}
		c.writeOnce()
	}
}

// writeOnce writes what is ready. The mutex is released meanwhile.
func (c *conn) writeOnce() {
	c.limitWrite()
	b := c.out.take()
	c.writing = true
	c.mu.Unlock()
	n, err := c.net.Write(b)
	c.mu.Lock()
	c.writing = false
	c.out.wrote(b, n)
	if err != nil {
		c.kill(err)
	}
	c.room.Broadcast()
	if c.blocked > 0 && c.out.size() < lowWater {
		c.wakeAll()
	}
}

// limitWrite gives up a peer that takes nothing for as long as it may be silent.
func (c *conn) limitWrite() {
	now := time.Now()
	c.lastWrite = now
	limit := 2 * c.server.opts.IdleTimeout
	if !c.closing && now.Sub(c.writeLimitSet) > limit/8 {
		c.writeLimitSet = now
		_ = c.net.SetWriteDeadline(now.Add(limit))
	}
}

// awaitRoom waits until so little is left to write that another frame may be handled.
func (c *conn) awaitRoom() {
	for c.out.size() > highWater && !c.dead {
		c.room.Wait()
	}
}

// startHeartbeat sends an empty frame whenever nothing was written for half of what the peer tolerates.
func (c *conn) startHeartbeat(tolerated time.Duration) {
	every := max(tolerated/2, minHeartbeat)
	c.heartbeat = time.AfterFunc(every, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.dead {
			return
		}
		silent := time.Since(c.lastWrite)
		if silent >= every*3/4 && len(c.out.buf) == 0 {
			b, start := amqp.AppendFrameHeader(c.out.buf, amqp.FrameAMQP, 0)
			c.out.buf = amqp.FinishFrame(b, start)
			c.flush()
			silent = 0
		}
		c.heartbeat.Reset(max(every-silent, every/4))
	})
}
