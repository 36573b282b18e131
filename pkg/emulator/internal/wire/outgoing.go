package wire

import (
	"context"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// outgoingLink is a link on which the broker sends: a queue's messages, or the answers to requests. Its own goroutine does
// the sending.
type outgoingLink struct {
	session *session
	handle  uint32
	name    string
	node    node
	target  string // the peer's own address, by which some peers want answers to be routed
	settled bool   // deliveries go out settled; a queue's messages are then deleted as they are sent
	stopped bool
	wake    *sync.Cond

	credit        uint32
	deliveryCount uint32
	drain         bool

	consumer  *queue.Consumer // nil when answers are sent
	interrupt context.CancelFunc
	ctx       context.Context // interrupted when a wait for messages must end

	replies    [][]byte
	replyBytes int

	scratch []byte   // only of the link's goroutine
	tag     [16]byte // of the delivery that goes out; only of the link's goroutine
}

func newOutgoingLink(s *session, p *amqp.Attach, n node) *outgoingLink {
	l := &outgoingLink{
		session: s,
		handle:  p.Handle,
		name:    p.Name,
		node:    n,
		settled: p.SenderSettleMode.Or(amqp.SenderMixed) == amqp.SenderSettled,
		wake:    sync.NewCond(&s.conn.mu),
	}
	if p.Target != nil {
		l.target = p.Target.Address.Value
	}
	l.ctx, l.interrupt = context.WithCancel(s.conn.ctx)
	if n.kind == nodeEntity {
		l.consumer = n.queue.NewConsumer(queue.PeekLock)
	} else {
		l.settled = p.SenderSettleMode.Or(amqp.SenderMixed) != amqp.SenderUnsettled
	}
	return l
}

func (l *outgoingLink) entity() string  { return l.node.path }
func (l *outgoingLink) isStopped() bool { return l.stopped }
func (l *outgoingLink) wakeUp()         { l.wake.Signal() }

func (l *outgoingLink) stop() {
	l.stopped = true
	l.interrupt()
	l.wake.Signal()
}

// handleFlow takes the receiver's credit (part 2, section 2.6.7).
func (l *outgoingLink) handleFlow(p *amqp.Flow) {
	if p.LinkCredit.Set {
		l.credit = p.DeliveryCount.Value + p.LinkCredit.Value - l.deliveryCount
		if l.credit > p.LinkCredit.Value { // more was under way than the receiver wants now
			l.credit = 0
		}
	}
	l.drain = p.Drain
	if l.drain || l.credit == 0 {
		l.interrupt()
	}
	if p.Echo && !l.drain {
		l.tellFlow()
	}
	l.wake.Signal()
}

func (l *outgoingLink) tellFlow() {
	p := l.session.window()
	p.Handle = amqp.Some(l.handle)
	p.DeliveryCount = amqp.Some(l.deliveryCount)
	p.LinkCredit = amqp.Some(l.credit)
	p.Drain = l.drain
	l.session.conn.send(l.session.channel, &p)
}

// run sends until the link or the connection ends.
func (l *outgoingLink) run() {
	if l.consumer == nil {
		l.sendReplies()
		return
	}
	defer l.consumer.Close()
	for {
		ctx, max, drain, ok := l.awaitCredit()
		if !ok {
			return
		}
		if drain {
			msgs := l.consumer.TryNext(max)
			l.deliver(msgs)
			if max == 0 || len(msgs) < max {
				l.drained()
			}
			continue
		}
		msgs, err := l.consumer.Next(ctx, max)
		if err != nil && ctx.Err() == nil {
			l.close(amqpError(err))
			return
		}
		l.deliver(msgs)
	}
}

// awaitCredit waits until messages may be taken from the queue and gives how many. It gives false when the link has ended.
func (l *outgoingLink) awaitCredit() (ctx context.Context, max int, drain, ok bool) {
	c := l.session.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for !l.ended() && !l.drain && (l.credit == 0 || !l.canSend()) {
		l.wait()
	}
	if l.ended() {
		return nil, 0, false, false
	}
	if l.ctx.Err() != nil {
		l.ctx, l.interrupt = context.WithCancel(c.ctx)
	}
	if l.canSend() {
		max = int(min(l.credit, deliveryBatch))
	}
	return l.ctx, max, l.drain, true
}

// ended gives whether the link sends nothing any more.
func (l *outgoingLink) ended() bool { return l.stopped || l.session.conn.ended() }

// canSend gives whether a frame may be sent: the session's window is open, the peer has not left too many deliveries
// unsettled, and not too much is waiting to be written.
func (l *outgoingLink) canSend() bool {
	c := l.session.conn
	return l.session.outgoingLeft > 0 && c.out.size() < lowWater && (l.settled || l.session.mayDeliver())
}

// wait waits for a change of whatever may let the link go on, or for what has been appended to be written. The caller has to
// look again what it waits for.
func (l *outgoingLink) wait() {
	c := l.session.conn
	if c.needsFlush() {
		c.flush()
		return
	}
	full := c.out.size() >= lowWater
	if full {
		c.blocked++
	}
	var recheck *time.Timer
	if len(l.session.unsettled) >= maxUnsettled {
		recheck = time.AfterFunc(time.Second, l.wake.Broadcast)
	}
	l.wake.Wait()
	if recheck != nil {
		recheck.Stop()
	}
	if full {
		c.blocked--
	}
}

// drained uses up the credit that no message was found for, as a receiver that drains wants it.
func (l *outgoingLink) drained() {
	c := l.session.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !l.ended() && l.drain {
		l.finishDrain()
	}
	c.flush()
}

// finishDrain tells the receiver that its credit is used up.
func (l *outgoingLink) finishDrain() {
	l.deliveryCount += l.credit
	l.credit = 0
	l.tellFlow()
	l.drain = false
}

// close ends the link on the broker's own account.
func (l *outgoingLink) close(reason *amqp.Error) {
	c := l.session.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended() && !l.session.ending {
		l.session.closeLink(l.handle, l, reason)
		c.flush()
	}
}
