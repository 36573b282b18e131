package wire

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// jobMessage gives an encoded message as the acceptor sends it, with a payload of 1 KB. The number makes its id its own.
func jobMessage(number int) []byte {
	id := fmt.Sprintf("01a20dd4-a37e-8efd-83da-%012x", number)
	b := (&amqp.Header{TTL: amqp.Some(uint32(3_600_000))}).Append(nil)
	b = section(b, amqp.DescMessageAnnotations, amqp.Map{})
	b = section(b, amqp.DescProperties, amqp.List{id, nil, nil, nil, nil, id, amqp.Symbol("application/json")})
	b = section(b, amqp.DescApplicationProperties, amqp.Map{
		{Key: "RequestGUID", Value: id},
		{Key: "RequestSubmittedAt", Value: "2026-11-21T10:00:00.123456789Z"},
		{Key: "RequestStatusURL", Value: "https://status.example.com/api/RequestStatus/" + id},
		{Key: "Operation", Value: "customer"},
		{Key: "Parameters", Value: `{"duration":"0s"}`},
		{Key: "traceparent", Value: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		{Key: "Diagnostic-Id", Value: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	})
	return amqp.AppendBinary(amqp.AppendDescriptor(b, amqp.DescData), make([]byte, 1024))
}

func section(b []byte, d amqp.Descriptor, value any) []byte {
	return amqp.AppendValue(amqp.AppendDescriptor(b, d), value)
}

// batch gives n messages as one delivery.
func batch(n int) (payload []byte) {
	for i := range n {
		payload = amqp.AppendBinary(amqp.AppendDescriptor(payload, amqp.DescData), jobMessage(i))
	}
	return payload
}

// newLoad gives a broker for a benchmark, and a peer that has no end of time.
func newLoad(b *testing.B) (*rig, *peer) {
	r := newRig(b, Options{}, queue.Properties{MaxSizeInMegabytes: 8192, LockDuration: time.Minute})
	p := r.open()
	_ = p.net.SetDeadline(time.Time{})
	return r, p
}

// consume removes what is sent to the queue, so that it stays short.
func (r *rig) consume(b *testing.B) {
	c := r.queue.NewConsumer(queue.ReceiveAndDelete)
	go func() {
		for {
			if _, err := c.Next(b.Context(), 1000); err != nil {
				return
			}
		}
	}()
	b.Cleanup(c.Close)
}

// enqueue sends an encoded message straight to the queue.
func (r *rig) enqueue(b *testing.B, encoded []byte) {
	m, err := parseMessage(encoded)
	if err == nil {
		err = r.queue.Send(m)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSend is the broker's work for messages sent to it with so many deliveries in flight, the sockets included.
func BenchmarkSend(b *testing.B) {
	for _, load := range []struct{ batch, inFlight int }{{1, 1}, {1, 64}, {20, 4}, {100, 4}} {
		b.Run(fmt.Sprintf("batch=%d/inflight=%d", load.batch, load.inFlight), func(b *testing.B) {
			r, p := newLoad(b)
			r.consume(b)
			p.sendsTo(0, "q")
			payload, format := jobMessage(0), uint32(0)
			if load.batch > 1 {
				payload, format = batch(load.batch), batchFormat
			}
			var frames []byte
			sent, settled := uint32(0), uint32(0)
			b.ReportAllocs()
			for int(settled)*load.batch < b.N {
				for int(sent)*load.batch < b.N && sent < settled+uint32(load.inFlight) {
					frames = appendDelivery(frames[:0], sent, format, payload)
					p.write(frames)
					sent++
				}
				settled = p.settledUpTo(settled)
			}
		})
	}
}

// settledUpTo reads one frame and gives how many deliveries are settled after it.
func (p *peer) settledUpTo(settled uint32) uint32 {
	d, r, err := p.next()
	if err != nil {
		p.t.Fatal(err)
	}
	if d == amqp.DescDisposition {
		var s amqp.Disposition
		s.Read(&r)
		return s.Last.Or(s.First) + 1
	}
	return settled
}

// appendDelivery appends the frames of one delivery.
func appendDelivery(b []byte, id, format uint32, payload []byte) []byte {
	const most = 60 << 10
	for more := true; more; {
		n := min(len(payload), most)
		more = n < len(payload)
		var start int
		b, start = amqp.AppendFrameHeader(b, amqp.FrameAMQP, 0)
		b = (&amqp.Transfer{DeliveryID: amqp.Some(id), DeliveryTag: []byte{1, 2, 3, 4}, MessageFormat: amqp.Some(format), More: more}).Append(b)
		b = amqp.FinishFrame(append(b, payload[:n]...), start)
		payload = payload[n:]
	}
	return b
}

// BenchmarkReceive is the broker's work for messages that are delivered and completed, of which a receiver holds so many.
func BenchmarkReceive(b *testing.B) {
	const slots = 64
	r, p := newLoad(b)
	p.receivesFrom(0, "q")
	encoded := jobMessage(0)
	for range b.N {
		r.enqueue(b, encoded)
	}
	var out []byte
	say := func(body appender) {
		var start int
		out, start = amqp.AppendFrameHeader(out[:0], amqp.FrameAMQP, 0)
		out = amqp.FinishFrame(body.Append(out), start)
		p.write(out)
	}
	flow := amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), IncomingWindow: 1 << 30, OutgoingWindow: 1000, Handle: amqp.Some(uint32(0))}
	outcome := amqp.Disposition{Role: amqp.RoleReceiver, State: amqp.Accepted}
	b.ReportAllocs()
	b.ResetTimer()
	received, settled, asked := uint32(0), uint32(0), uint32(0)
	for settled < uint32(b.N) {
		if settled+slots >= asked+slots/4 {
			asked = settled + slots
			flow.DeliveryCount, flow.LinkCredit = amqp.Some(received), amqp.Some(slots-(received-settled))
			say(&flow)
		}
		switch d, body, err := p.next(); {
		case err != nil:
			b.Fatal(err)
		case d == amqp.DescTransfer:
			outcome.First = received
			say(&outcome)
			received++
		case d == amqp.DescDisposition:
			var s amqp.Disposition
			s.Read(&body)
			settled = s.Last.Or(s.First) + 1
		}
	}
}

// BenchmarkWaiting reports what a message that waits in a queue takes of memory, and how many bytes it came with.
func BenchmarkWaiting(b *testing.B) {
	const messages = 100_000
	encoded := jobMessage(0)
	for b.Loop() {
		r := newRig(b, Options{}, queue.Properties{MaxSizeInMegabytes: 8192, RequiresDuplicateDetection: true})
		before := liveBytes()
		for i := range messages {
			r.enqueue(b, jobMessage(i))
		}
		b.ReportMetric(float64(liveBytes()-before)/messages, "B/msg")
		b.ReportMetric(float64(len(encoded)), "encodedB/msg")
	}
}

func liveBytes() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
