package acceptor

import (
	"sync"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// maxIdle is the most memory in bytes that is kept for the next request.
const maxIdle = 64 << 10

// intake is what taking a request in needs: the message, and memory for as
// much of the payload as is held there, and afterwards for the answer.
type intake struct {
	message job.Message
	body    limitedBody
	buffer  []byte
	lent    bool // to a store, which may look at it for longer than its call lasts
}

// idle holds intakes to be used again.
var idle = sync.Pool{New: func() any { return &intake{buffer: make([]byte, 0, firstRead)} }}

// recycle gives the intake back: nobody looks at it any more.
func (in *intake) recycle() {
	if in.lent || cap(in.buffer) > maxIdle {
		return
	}
	in.message, in.body = job.Message{}, limitedBody{}
	idle.Put(in)
}

// answer gives memory to write the answer to.
func (in *intake) answer() []byte {
	if in.lent {
		return nil
	}
	return in.buffer[:0]
}
