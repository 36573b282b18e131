package servicebus

import (
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// pending is a message whose Send is waiting. Who sends it gives its outcome
// as the last thing that it does with it.
type pending struct {
	done    chan error // takes one outcome
	timeout *time.Timer

	mu      sync.Mutex
	message *job.Message // nil when Send has returned
}

// idle holds what was pending and has had its outcome, to be used again.
var idle = sync.Pool{New: func() any {
	p := &pending{done: make(chan error, 1), timeout: time.NewTimer(0)}
	p.timeout.Stop()
	return p
}}

func newPending(m *job.Message, timeout time.Duration) *pending {
	p := idle.Get().(*pending)
	p.message = m
	p.timeout.Reset(timeout)
	return p
}

// recycle says that the outcome was read, or that nobody else knows of p.
func (p *pending) recycle() {
	p.timeout.Stop()
	p.message = nil
	idle.Put(p)
}

// abandon says that Send returns without an outcome. When abandon does, nobody
// reads the message.
func (p *pending) abandon() {
	p.timeout.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.message = nil
}

// outcome gives what became of a message when sending has stopped.
func (p *pending) outcome() error {
	select {
	case err := <-p.done:
		return translateSend("send message", err)
	default:
		p.abandon()
		return busy("send message", errClosed)
	}
}

// addTo encodes the message into a batch, unless it was abandoned.
func (p *pending) addTo(batch *azservicebus.MessageBatch, e *envelope) (added bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.message == nil {
		return false, nil
	}
	err = batch.AddAMQPAnnotatedMessage(e.enclose(p.message), nil)
	e.empty()
	return err == nil, err
}
