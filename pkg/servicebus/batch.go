package servicebus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// pending is a message whose Send is waiting.
type pending struct {
	done chan error // takes one outcome

	mu      sync.Mutex
	message *job.Message // nil when Send has returned
}

func newPending(m *job.Message) *pending {
	return &pending{done: make(chan error, 1), message: m}
}

// abandon says that Send returns. When abandon does, nobody reads the message.
func (p *pending) abandon() {
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
func (p *pending) addTo(batch *azservicebus.MessageBatch) (added bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.message == nil {
		return false, nil
	}
	err = batch.AddMessage(encode(p.message), nil)
	return err == nil, err
}

// run sends one batch after another until the sender is closed and nothing
// waits any more.
func (s *Sender) run() {
	var carried *pending
	for {
		first := carried
		if first == nil {
			if first = s.next(); first == nil {
				return
			}
		}
		carried = s.dispatch(first)
	}
}

// next waits for a message; nil means that there will be none.
func (s *Sender) next() *pending {
	select {
	case p := <-s.waiting:
		return p
	case <-s.closing:
	}
	select {
	case p := <-s.waiting:
		return p
	default:
		return nil
	}
}

// dispatch sends a batch of first and what else is waiting. It gives back the
// message that did not fit any more. Its time ends a little before that of the
// callers, so that they learn what came of it.
func (s *Sender) dispatch(first *pending) (carried *pending) {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Timeout*9/10)
	defer cancel()
	line, batch, err := s.newBatch(ctx)
	if err != nil {
		first.done <- err
		s.failWaiting(err)
		return nil
	}
	members, carried := s.fill(batch, first)
	if len(members) > 0 {
		s.send(ctx, line, batch, members)
	}
	return carried
}

type senderLine = line[*azservicebus.Sender]

func (s *Sender) newBatch(ctx context.Context) (*senderLine, *azservicebus.MessageBatch, error) {
	line, err := s.trunk.get(ctx)
	if err != nil {
		return nil, nil, err
	}
	start := time.Now()
	batch, err := line.end.NewMessageBatch(ctx, nil)
	if err != nil {
		s.trunk.failed(context.Background(), line, start, err)
	}
	return line, batch, err
}

// failWaiting answers all that wait for a connection that cannot be had.
func (s *Sender) failWaiting(err error) {
	for {
		select {
		case p := <-s.waiting:
			p.done <- err
		default:
			return
		}
	}
}

// fill adds what is waiting to a batch until nothing waits or it is full.
func (s *Sender) fill(batch *azservicebus.MessageBatch, first *pending) (members []*pending, carried *pending) {
	for p := first; ; {
		added, err := p.addTo(batch)
		switch {
		case added:
			members = append(members, p)
		case errors.Is(err, azservicebus.ErrMessageTooLarge) && len(members) > 0:
			return members, p
		case err != nil:
			p.done <- err
		}
		if len(members) == s.opts.MaxBatch {
			return members, nil
		}
		select {
		case p = <-s.waiting:
		default:
			return members, nil
		}
	}
}

// send sends a batch and tells its members. If it was refused for its size,
// each member is sent by itself.
func (s *Sender) send(ctx context.Context, line *senderLine, batch *azservicebus.MessageBatch, members []*pending) {
	start := time.Now()
	err := line.end.SendMessageBatch(ctx, batch, nil)
	if err == nil {
		line.hear()
	} else {
		s.trunk.failed(context.Background(), line, start, err)
	}
	if isTooLarge(err) && len(members) > 1 {
		for _, p := range members {
			s.sendAlone(ctx, line, p)
		}
		return
	}
	for _, p := range members {
		p.done <- err
	}
}

func (s *Sender) sendAlone(ctx context.Context, line *senderLine, p *pending) {
	batch, err := line.end.NewMessageBatch(ctx, nil)
	if err != nil {
		p.done <- err
		return
	}
	switch added, err := p.addTo(batch); {
	case added:
		s.send(ctx, line, batch, []*pending{p})
	case err != nil:
		p.done <- err
	}
}
