package wire

import (
	"sync/atomic"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
)

// Faults makes a server misbehave, for tests of its clients. Its methods may be called at any time from any goroutine.
type Faults struct {
	server     *Server
	refusing   atomic.Bool
	swallowing atomic.Bool
	latency    atomic.Int64 // nanoseconds
	counting   atomic.Bool
	framesLeft atomic.Int64
}

func (f *Faults) refuses() bool        { return f.refusing.Load() }
func (f *Faults) swallows() bool       { return f.swallowing.Load() }
func (f *Faults) delay() time.Duration { return time.Duration(f.latency.Load()) }

// countFrame counts a frame towards DropAfter and gives whether it may still pass.
func (f *Faults) countFrame() bool {
	if !f.counting.Load() {
		return true
	}
	switch left := f.framesLeft.Add(-1); {
	case left >= 0:
		return true
	case left == -1:
		f.server.running.Go(func() {
			f.Drop()
			f.counting.Store(false)
		})
	}
	return false
}

// Refuse makes the server reset every new connection at once, until it is called with false.
func (f *Faults) Refuse(on bool) { f.refusing.Store(on) }

// Drop resets every connection there is.
func (f *Faults) Drop() { f.server.each((*conn).drop) }

// DropAfter resets every connection once n more frames have come or gone, counted over all connections from the open
// performative on; the frame after those is neither handled nor sent. A negative n takes it back.
func (f *Faults) DropAfter(n int) {
	f.counting.Store(false)
	f.framesLeft.Store(int64(n))
	f.counting.Store(n >= 0)
}

// BlackHole makes the server read and ignore whatever comes, on old and new connections, and never answer. Called with
// false it resets the connections that have been ignored, so that their clients can start afresh.
func (f *Faults) BlackHole(on bool) {
	f.swallowing.Store(on)
	f.server.each(func(c *conn) {
		c.mu.Lock()
		swallowed := c.swallows
		c.swallows = c.swallows || on
		c.mu.Unlock()
		if swallowed && !on {
			c.drop()
		}
	})
}

// Delay makes every frame leave d later than it would, until it is called with 0.
func (f *Faults) Delay(d time.Duration) { f.latency.Store(int64(max(d, 0))) }

// Detach closes every link to an entity, given by its path, with an error of this condition, and gives their number.
func (f *Faults) Detach(path string, condition, description string) int {
	n := 0
	f.server.each(func(c *conn) {
		c.mu.Lock()
		defer c.mu.Unlock()
		n += c.detachEntity(path, failure(amqp.Symbol(condition), "%s", description))
		c.flush()
	})
	return n
}
