package emulator

import (
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/wire"
)

// Faults makes a broker misbehave, so that tests can show how a program bears it. Its methods may be called at any time from
// any goroutine and act on the broker's AMQP side only. Each fault ends as its method says; they may be combined.
type Faults struct {
	wire      *wire.Faults
	namespace *queue.Namespace
}

// Faults gives the control over the broker's faults.
func (b *Broker) Faults() *Faults {
	return &Faults{wire: b.wire.Faults(), namespace: b.namespace}
}

// DropConnections resets every connection there is, as a failing network or host does. Clients may connect again at once.
// Messages that were received stay locked until their locks expire.
func (f *Faults) DropConnections() { f.wire.Drop() }

// DropConnectionsAfter resets every connection once n more frames have come or gone, counted over all connections from
// their open performatives on. The frame after those is neither handled nor sent, so that counting up n cuts a conversation
// at every place there is. A negative n calls it off.
func (f *Faults) DropConnectionsAfter(n int) { f.wire.DropAfter(n) }

// RefuseConnections makes the broker reset every new connection at once; those there are live on. It lasts until called
// with false.
func (f *Faults) RefuseConnections(on bool) { f.wire.Refuse(on) }

// BlackHole makes the broker stop answering: connections, old and new, stay open and what comes is ignored. Called with
// false it resets the connections that it has ignored, and serves new ones again.
func (f *Faults) BlackHole(on bool) { f.wire.BlackHole(on) }

// Delay makes every frame leave the broker d later than it would. It lasts until called with 0.
func (f *Faults) Delay(d time.Duration) { f.wire.Delay(d) }

// DetachLinks closes every link to a queue with an error of this condition, "amqp:link:detach-forced" or
// "com.microsoft:server-busy" for instance, and gives their number. The queue is given by its path: that of a dead-letter
// queue is "name/$DeadLetterQueue". Clients may attach again at once.
func (f *Faults) DetachLinks(path, condition, description string) int {
	return f.wire.Detach(path, condition, description)
}

// ExpireLocks ends every lock on the messages of a queue, given by its path, as if its time had come, and gives their
// number. It is 0 for a queue that does not exist.
func (f *Faults) ExpireLocks(path string) int {
	q, ok := f.namespace.Lookup(path)
	if !ok {
		return 0
	}
	return q.ExpireLocks()
}
