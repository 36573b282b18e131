package servicebus

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// SenderOptions configure a [Sender]. The zero value is usable.
type SenderOptions struct {
	// MaxPayload is the largest payload in bytes that goes into a message,
	// 200 KiB if zero: the Standard tier takes messages of 256 KiB, properties
	// included.
	MaxPayload int64
	// MaxBatch is the most messages in one batch, 100 if zero.
	MaxBatch int
	// InFlight is the number of batches that are sent at the same time, 4 if
	// zero.
	InFlight int
	// MaxWaiting is the number of messages that may wait for a batch, 1,024 if
	// zero. Beyond it Send gives [job.ErrBusy] at once.
	MaxWaiting int
	// Timeout bounds each call of Send and Schedule, 4 s if zero.
	Timeout time.Duration
	// Logger is told of lost connections; nil: nobody is.
	Logger *slog.Logger
}

// Sender puts messages into a queue. It is safe for concurrent use.
type Sender struct {
	queue    string
	opts     SenderOptions
	trunk    *trunk[*azservicebus.Sender]
	waiting  chan *pending
	closing  chan struct{} // closed when Close begins
	stopped  chan struct{} // closed when no batch is sent any more
	closeAll sync.Once
}

// NewSender makes a sender to queue and begins to connect.
func NewSender(connect Connect, queue string, opts *SenderOptions) (*Sender, error) {
	if connect == nil || queue == "" {
		return nil, errors.New("service bus sender: a connect function and a queue are needed")
	}
	s := &Sender{queue: queue, closing: make(chan struct{}), stopped: make(chan struct{})}
	if opts != nil {
		s.opts = *opts
	}
	s.opts.MaxPayload = cmp.Or(s.opts.MaxPayload, 200<<10)
	s.opts.MaxBatch = cmp.Or(s.opts.MaxBatch, 100)
	s.opts.InFlight = cmp.Or(s.opts.InFlight, 4)
	s.opts.MaxWaiting = cmp.Or(s.opts.MaxWaiting, 1024)
	s.opts.Timeout = cmp.Or(s.opts.Timeout, 4*time.Second)
	s.waiting = make(chan *pending, s.opts.MaxWaiting)
	s.trunk = newTrunk(connect, s.attach, s.opts.Logger)
	s.start()
	return s, nil
}

func (s *Sender) start() {
	var running sync.WaitGroup
	for range s.opts.InFlight {
		r := &runner{Sender: s, first: newEnvelope(), others: newEnvelope()}
		running.Go(r.run)
	}
	go func() {
		running.Wait()
		close(s.stopped)
	}()
}

func (s *Sender) attach(ctx context.Context, client *azservicebus.Client) (*azservicebus.Sender, error) {
	sender, err := client.NewSender(s.queue, nil)
	if err != nil {
		return nil, err
	}
	_, err = sender.NewMessageBatch(ctx, nil) // attaches the link
	return sender, err
}

// MaxMessageSize gives the largest payload in bytes that Send takes; a larger
// one is to be claim-checked.
func (s *Sender) MaxMessageSize() int64 { return s.opts.MaxPayload }

// Timeout gives how long Send and Schedule take at most.
func (s *Sender) Timeout() time.Duration { return s.opts.Timeout }

// Send puts a message into the queue and returns when the broker has it.
// Concurrent calls share batches; a lone message leaves at once. It gives
// [job.ErrTooLarge] for a message that the queue does not take, and
// [job.ErrBusy] when too many are waiting, when the broker is out of reach, or
// when it has not answered within the time-out: then the message may still
// arrive. The same holds when ctx ends. Send does not look at m after it has
// returned.
func (s *Sender) Send(ctx context.Context, m *job.Message) error {
	const action = "send message"
	if int64(len(m.Body)) > s.opts.MaxPayload {
		return &job.Error{Code: job.CodePayloadTooLarge, Message: action}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.trunk.down(); err != nil {
		return busy(action, err)
	}
	p := newPending(m, s.opts.Timeout)
	select {
	case <-s.closing:
		p.recycle()
		return busy(action, errClosed)
	case s.waiting <- p:
	default:
		p.recycle()
		return busy(action, errTooMany)
	}
	return s.await(ctx, p)
}

func (s *Sender) await(ctx context.Context, p *pending) error {
	const action = "send message"
	select {
	case err := <-p.done:
		p.recycle()
		return translateSend(action, err)
	case <-ctx.Done():
		p.abandon()
		return ctx.Err()
	case <-p.timeout.C:
		p.abandon()
		return busy(action, context.DeadlineExceeded)
	case <-s.stopped:
		return p.outcome()
	}
}

// translateSend gives [job.ErrBusy] for a missing queue too: what cannot be
// sent now can be sent when there is one.
func translateSend(action string, err error) error {
	if isNotFound(err) {
		return busy(action, err)
	}
	return translate(context.Background(), action, err)
}

// Schedule puts a message into the queue that nobody receives before at. Its
// errors are those of Send. After [job.ErrBusy] it may be called again: a queue
// that detects duplicates keeps one message of one MessageID.
func (s *Sender) Schedule(ctx context.Context, m *job.Message, at time.Time) error {
	const action = "schedule message"
	if err := s.trunk.down(); err != nil {
		return busy(action, err)
	}
	message := encode(m)
	message.Body = bytes.Clone(m.Body) // the call may outlive this one
	return s.bounded(ctx, action, func(ctx context.Context, line *senderLine) error {
		_, err := line.end.ScheduleMessages(ctx, []*azservicebus.Message{message}, at.UTC(), nil)
		return err
	})
}

// bounded makes a call over the line there is, within the sender's time-out.
func (s *Sender) bounded(ctx context.Context, action string, do func(context.Context, *senderLine) error) error {
	callCtx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	line, err := s.trunk.get(callCtx)
	if err == nil {
		start := time.Now()
		_, err = call(callCtx, s.trunk, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx, line) })
		if err == nil {
			line.hear()
		} else {
			s.trunk.failed(ctx, line, start, err)
		}
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return translateSend(action, err)
}

// Ready reports whether the queue can be sent to: it attaches a link of its
// own, which the broker grants or refuses.
func (s *Sender) Ready(ctx context.Context) error {
	const action = "attach to queue"
	if err := s.trunk.down(); err != nil {
		return busy(action, err)
	}
	return s.bounded(ctx, action, func(ctx context.Context, line *senderLine) error {
		probe, err := s.attach(ctx, line.client)
		if probe != nil {
			_ = probe.Close(ctx)
		}
		return err
	})
}

// Close sends what is waiting, gives up what ctx leaves no time for, and
// disconnects.
func (s *Sender) Close(ctx context.Context) error {
	s.closeAll.Do(func() { close(s.closing) })
	select {
	case <-s.stopped:
	case <-ctx.Done():
	}
	return s.trunk.close(ctx)
}
