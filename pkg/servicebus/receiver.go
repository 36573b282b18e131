package servicebus

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// ReceiverOptions configure a [Receiver]. The zero value is usable.
type ReceiverOptions struct {
	// DeadLetters has it receive from the queue's dead-letter queue.
	DeadLetters bool
	// ProbeInterval is how long a waiting receiver hears nothing before it asks
	// the broker whether it is still there, 1.5 s if zero. Each time costs one
	// operation on Azure.
	ProbeInterval time.Duration
	// Timeout bounds one try of a call to the broker, 2 s if zero.
	Timeout time.Duration
	// SettleTimeout bounds a settlement or renewal with all its tries, 20 s if
	// zero.
	SettleTimeout time.Duration
	// Logger is told of lost connections; nil: nobody is.
	Logger *slog.Logger
}

// Receiver takes messages from a queue under peek-lock. Its methods are safe
// for concurrent use; calls of Receive take turns.
type Receiver struct {
	queue     string
	opts      ReceiverOptions
	trunk     *trunk[*azservicebus.Receiver]
	receiving chan struct{} // holds a token while Receive runs: the SDK allows one
}

type receiverLine = line[*azservicebus.Receiver]

// NewReceiver makes a receiver of queue and begins to connect.
func NewReceiver(connect Connect, queue string, opts *ReceiverOptions) (*Receiver, error) {
	if connect == nil || queue == "" {
		return nil, errors.New("service bus receiver: a connect function and a queue are needed")
	}
	r := &Receiver{queue: queue, receiving: make(chan struct{}, 1)}
	if opts != nil {
		r.opts = *opts
	}
	r.opts.ProbeInterval = cmp.Or(r.opts.ProbeInterval, 1500*time.Millisecond)
	r.opts.Timeout = cmp.Or(r.opts.Timeout, 2*time.Second)
	r.opts.SettleTimeout = cmp.Or(r.opts.SettleTimeout, 20*time.Second)
	r.trunk = newTrunk(connect, r.attach, r.opts.Logger)
	return r, nil
}

func (r *Receiver) attach(ctx context.Context, client *azservicebus.Client) (*azservicebus.Receiver, error) {
	opts := &azservicebus.ReceiverOptions{}
	if r.opts.DeadLetters {
		opts.SubQueue = azservicebus.SubQueueDeadLetter
	}
	receiver, err := client.NewReceiverForQueue(r.queue, opts)
	if err != nil {
		return nil, err
	}
	return receiver, ping(ctx, receiver)
}

// ping makes a round trip to the broker that changes nothing: it peeks behind
// the queue's end.
func ping(ctx context.Context, receiver *azservicebus.Receiver) error {
	end := int64(math.MaxInt64)
	_, err := receiver.PeekMessages(ctx, 1, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &end})
	return err
}

// maxCredit is the most messages that the SDK asks for at a time.
const maxCredit = 2048

// Receive waits until there is a message and gives up to limit that are there
// at that moment, each locked, and never more than 2,048. It recovers from the
// loss of the connection by itself: it returns an error only when ctx ends or
// when the queue does not exist ([job.ErrNotFound]).
func (r *Receiver) Receive(ctx context.Context, limit int) ([]*job.Delivery, error) {
	select {
	case r.receiving <- struct{}{}:
		defer func() { <-r.receiving }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var ended *receiverLine // by which a call ended for no reason
	for {
		line, err := r.trunk.get(ctx)
		if err != nil {
			return nil, translate(ctx, "receive from queue "+r.queue, err)
		}
		messages, err := r.receiveOver(ctx, line, limit)
		if len(messages) > 0 {
			return deliveries(line, messages), nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && ended == line {
			err = errDetached
		}
		if err != nil {
			r.trunk.drop(line, err)
		}
		ended = line
	}
}

// received is what a call of the SDK gave.
type received struct {
	messages []*azservicebus.ReceivedMessage
	err      error
}

// receiveOver receives over one line until there is something or the line is
// found dead: whenever nothing was heard for a while it asks the broker for a
// sign of life.
func (r *Receiver) receiveOver(ctx context.Context, line *receiverLine, limit int) ([]*azservicebus.ReceivedMessage, error) {
	callCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan received, 1)
	if !r.trunk.begin(func() { done <- receiveMessages(callCtx, line, limit) }) {
		return nil, errClosed
	}
	ticker := time.NewTicker(r.opts.ProbeInterval)
	defer ticker.Stop()
	for {
		select {
		case got := <-done:
			return got.messages, got.err
		case <-ctx.Done():
			return r.lastOf(line, done, ctx.Err())
		case now := <-ticker.C:
			if !line.silentSince(now.Add(-r.opts.ProbeInterval)) {
				continue
			}
			if err := r.probe(ctx, line); err != nil {
				cancel()
				return r.lastOf(line, done, err)
			}
		}
	}
}

func receiveMessages(ctx context.Context, line *receiverLine, limit int) received {
	messages, err := line.end.ReceiveMessages(ctx, min(max(limit, 1), maxCredit), &azservicebus.ReceiveMessagesOptions{
		TimeAfterFirstMessage: time.Nanosecond,
	})
	if len(messages) > 0 {
		line.hear()
	}
	return received{messages, err}
}

// lastOf gives the messages that came as a call was ended, or why it was. A
// call that does not end takes its line with it.
func (r *Receiver) lastOf(line *receiverLine, done <-chan received, why error) ([]*azservicebus.ReceivedMessage, error) {
	select {
	case got := <-done:
		if len(got.messages) > 0 {
			return got.messages, nil
		}
	case <-time.After(closeTimeout):
		r.trunk.drop(line, why)
	}
	return nil, why
}

// probe reports whether the broker answers over line. Any answer will do.
func (r *Receiver) probe(ctx context.Context, line *receiverLine) error {
	start := time.Now()
	err := r.ping(ctx, line)
	if err == nil || !r.trunk.failed(ctx, line, start, err) {
		return nil
	}
	return err
}

func (r *Receiver) ping(ctx context.Context, line *receiverLine) error {
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	_, err := call(ctx, r.trunk, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, ping(ctx, line.end)
	})
	if err == nil {
		line.hear()
	}
	return err
}

// Ready reports whether the broker answers and lets this receiver read.
func (r *Receiver) Ready(ctx context.Context) error {
	const action = "look into queue"
	if err := r.trunk.down(); err != nil {
		return translate(ctx, action, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*r.opts.Timeout, busy(action, context.DeadlineExceeded))
	defer cancel()
	line, err := r.trunk.get(ctx)
	if err != nil {
		return r.giveUp(ctx, action, err)
	}
	start := time.Now()
	if err := r.ping(ctx, line); err != nil {
		r.trunk.failed(ctx, line, start, err)
		return r.giveUp(ctx, action, err)
	}
	return nil
}

// Close disconnects. Messages that were received and not settled become
// available to others when their locks end.
func (r *Receiver) Close(ctx context.Context) error {
	return r.trunk.close(ctx)
}
