package servicebus

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// runner sends one batch at a time, with memory of its own that it uses again.
type runner struct {
	*Sender
	members []*pending
	first   *envelope // the SDK reads that of a batch's first message when it sends
	others  *envelope
}

// run sends one batch after another until the sender is closed and nothing
// waits any more.
func (s *runner) run() {
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
func (s *runner) next() *pending {
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
func (s *runner) dispatch(first *pending) (carried *pending) {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Timeout*9/10)
	defer cancel()
	line, batch, err := s.newBatch(ctx)
	if err != nil {
		first.done <- err
		s.failWaiting(err)
		return nil
	}
	carried = s.fill(batch, first)
	if len(s.members) > 0 {
		s.send(ctx, line, batch, s.members)
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

// fill adds what is waiting to a batch until nothing waits or it is full, and
// leaves in s.members whose messages those are.
func (s *runner) fill(batch *azservicebus.MessageBatch, first *pending) (carried *pending) {
	s.members = s.members[:0]
	for p, e := first, s.first; ; {
		added, err := p.addTo(batch, e)
		switch {
		case added:
			s.members, e = append(s.members, p), s.others
		case errors.Is(err, azservicebus.ErrMessageTooLarge) && len(s.members) > 0:
			return p
		case err != nil:
			p.done <- err
		}
		if len(s.members) == s.opts.MaxBatch {
			return nil
		}
		select {
		case p = <-s.waiting:
		default:
			return nil
		}
	}
}

// send sends a batch and tells its members. If it was refused for its size,
// each member is sent by itself.
func (s *runner) send(ctx context.Context, line *senderLine, batch *azservicebus.MessageBatch, members []*pending) {
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

func (s *runner) sendAlone(ctx context.Context, line *senderLine, p *pending) {
	batch, err := line.end.NewMessageBatch(ctx, nil)
	if err != nil {
		p.done <- err
		return
	}
	switch added, err := p.addTo(batch, s.first); {
	case added:
		s.send(ctx, line, batch, []*pending{p})
	case err != nil:
		p.done <- err
	}
}
