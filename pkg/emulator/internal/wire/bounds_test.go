package wire

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Messages that never become complete are bounded in number and size, over all links of a connection.
func TestHalfMessagesAreBounded(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{MaxMessageSizeInKilobytes: 1024})
	p := r.open()
	chunk := make([]byte, 60<<10)
	go func() {
		for handle := range uint32(64) {
			p.send(0, &amqp.Attach{Name: string(rune('a' + handle)), Handle: handle, Role: amqp.RoleSender,
				Target: &amqp.Target{Address: amqp.Some("q")}})
			for i := range 16 {
				x := amqp.Transfer{Handle: handle, More: true}
				if i == 0 {
					x.DeliveryID = amqp.Some(handle)
				}
				p.send(0, &x, chunk...)
			}
		}
	}()
	p.expectClose(amqp.CondResourceLimitExceeded)
	r.idle()
	r.healthy()
}

// A peer that gives all the credit in the world and never settles gets a bounded number of messages at a time.
func TestUnsettledDeliveriesAreBounded(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	const n = maxUnsettled + 100
	for range n {
		m, err := parseMessage(message("x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.queue.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	p := r.open()
	p.receivesFrom(0, "q")
	p.credit(0, math.MaxInt32)
	for range maxUnsettled {
		p.expect(amqp.DescTransfer, new(amqp.Transfer))
	}
	p.send(0, &amqp.Disposition{Role: amqp.RoleReceiver, First: 0, Last: amqp.Some(uint32(math.MaxUint32)), State: amqp.Accepted})
	for range 100 {
		p.expect(amqp.DescTransfer, new(amqp.Transfer))
	}
	if left := r.queue.Runtime().ActiveMessageCount; left != 100 {
		t.Errorf("%d messages are left", left)
	}
}

// A peer that does not read is sent a bounded number of bytes, and its messages are released when it goes.
func TestSlowReader(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	body := string(make([]byte, 100<<10))
	const n = 200
	for range n {
		m, err := parseMessage(message(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.queue.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	p := r.open()
	p.receivesFrom(0, "q")
	p.credit(0, n)
	p.expect(amqp.DescTransfer, new(amqp.Transfer))
	var c *conn
	r.server.each(func(one *conn) { c = one })
	for stuck := 0; stuck < 20; time.Sleep(5 * time.Millisecond) { // until it stops writing
		c.mu.Lock()
		if size := c.out.size(); size > lowWater+200<<10 {
			t.Fatalf("%d bytes are waiting", size)
		} else if size > 0 && c.writing {
			stuck++
		}
		c.mu.Unlock()
	}
	p.net.Close()
	r.idle()
	locked := r.queue.ExpireLocks()
	if locked == 0 || locked > n/2 {
		t.Errorf("%d of %d messages stayed locked", locked, n)
	}
}

// Links are bounded: one too many is refused, and a peer that goes on regardless is closed.
func TestLinksAreBounded(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	go func() {
		for i := range 2*maxLinks + 1 {
			p.send(0, &amqp.Attach{Name: "l", Handle: uint32(i), Role: amqp.RoleReceiver, Source: &amqp.Source{Address: amqp.Some("q")}})
		}
	}()
	p.expectDetach(maxLinks, amqp.CondResourceLimitExceeded)
	p.expectClose(amqp.CondResourceLimitExceeded)
	r.idle()
}

// Even empty messages count against the quota of a queue.
func TestEmptyMessagesCount(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{MaxSizeInMegabytes: 1})
	empty := bytes.Repeat(message(""), (1<<20)/smallestSize+1) // a batch of messages with nothing in them
	p := r.open()
	p.sendsTo(0, "q")
	p.send(0, &amqp.Transfer{DeliveryID: amqp.Some(uint32(0)), MessageFormat: amqp.Some(uint32(batchFormat)), More: true}, empty[:len(empty)/2]...)
	p.send(0, &amqp.Transfer{}, empty[len(empty)/2:]...)
	var d amqp.Disposition
	if p.expect(amqp.DescDisposition, &d); d.State.Error == nil || d.State.Error.Condition != amqp.CondResourceLimitExceeded {
		t.Errorf("got %+v", d)
	}
}

// A peer that asks for answer after answer and reads none is not read from either, when too much is waiting for it.
func TestAnswersToASlowReaderAreBounded(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	p := r.open()
	echoes := bytes.Repeat(frame(amqp.FrameAMQP, 0, &amqp.Flow{Echo: true}), 1000)
	blocked := make(chan struct{})
	go func() {
		defer close(blocked)
		for range 1000 { // some 17 MB, and as much in answer
			_ = p.net.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
			if _, err := p.net.Write(echoes); err != nil {
				return
			}
		}
		t.Error("all was read, though no answer was")
	}()
	<-blocked
	r.server.each(func(c *conn) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if size := c.out.size(); size > highWater+lowWater {
			t.Errorf("%d bytes are waiting", size)
		}
	})
	p.net.Close()
	r.idle()
}
