package wire

import (
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// outbox holds the bytes that wait to be written to a socket, and the deliveries among them. The connection's mutex guards it.
type outbox struct {
	buf      []byte // frames appended since the last take
	spare    []byte // what was written last, to be used again
	inFlight int    // bytes taken and not yet written
	held     []heldBytes
	heldSize int
	appended uint64 // bytes appended and written since the start
	written  uint64
	unsent   []unsentDelivery // in the order of their bytes
}

// heldBytes are written no sooner than due.
type heldBytes struct {
	bytes []byte
	due   time.Time
}

// unsentDelivery is a locked message whose last byte is the one before end.
type unsentDelivery struct {
	end   uint64
	queue *queue.Queue
	token queue.Token
}

// keptBuffer is the largest buffer that is kept for later.
const keptBuffer = 256 << 10

// size gives the number of bytes not written yet.
func (o *outbox) size() int { return len(o.buf) + o.heldSize + o.inFlight }

// took notes that the bytes appended last finish the delivery of a locked message.
func (o *outbox) took(q *queue.Queue, t queue.Token) {
	o.unsent = append(o.unsent, unsentDelivery{end: o.end(), queue: q, token: t})
}

// end gives the position behind the last byte appended.
func (o *outbox) end() uint64 { return o.appended + uint64(len(o.buf)) }

// hold keeps what was appended until due, or until what is held already goes if that is later.
func (o *outbox) hold(due time.Time) {
	if len(o.buf) == 0 {
		return
	}
	if n := len(o.held); n > 0 && o.held[n-1].due.After(due) {
		due = o.held[n-1].due
	}
	o.held = append(o.held, heldBytes{bytes: o.buf, due: due})
	o.heldSize += len(o.buf)
	o.appended += uint64(len(o.buf))
	o.buf = nil
}

// ready gives whether take would give something at this time.
func (o *outbox) ready(now func() time.Time) bool {
	if len(o.held) > 0 {
		return !now().Before(o.held[0].due)
	}
	return len(o.buf) > 0
}

// take gives the bytes to write next, if ready.
func (o *outbox) take() []byte {
	var b []byte
	if len(o.held) > 0 {
		b = o.held[0].bytes
		o.held[0] = heldBytes{}
		o.held = o.held[1:]
		o.heldSize -= len(b)
	} else {
		b = o.buf
		o.appended += uint64(len(b))
		o.buf, o.spare = o.spare[:0], nil
	}
	o.inFlight = len(b)
	return b
}

// wrote notes that the first n bytes of what was taken have been handed to the socket.
func (o *outbox) wrote(taken []byte, n int) {
	o.inFlight = 0
	o.written += uint64(n)
	done := 0
	for done < len(o.unsent) && o.unsent[done].end <= o.written {
		done++
	}
	if done == len(o.unsent) {
		o.unsent = o.unsent[:0]
	} else {
		o.unsent = o.unsent[done:]
	}
	if o.spare == nil && cap(taken) <= keptBuffer {
		o.spare = taken[:0]
	}
}
