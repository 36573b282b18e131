package servicebus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// receipt is what a delivery is settled by.
type receipt struct {
	line    *receiverLine // the line it came over
	mended  int32         // how often that had been mended then
	message *azservicebus.ReceivedMessage
}

// over gives what names the message over a line. Its lock token, which works
// over any line, does so unless the link that the message came over is thought
// to live: settling over a dead one takes a whole try.
func (r *receipt) over(line *receiverLine, firstTry bool) *azservicebus.ReceivedMessage {
	if firstTry && line == r.line && line.mended.Load() == r.mended {
		return r.message
	}
	return &azservicebus.ReceivedMessage{LockToken: r.message.LockToken}
}

func deliveries(line *receiverLine, messages []*azservicebus.ReceivedMessage) []*job.Delivery {
	all := make([]*job.Delivery, len(messages))
	mended := line.mended.Load()
	for i, message := range messages {
		all[i] = decode(message)
		all[i].Receipt = &receipt{line: line, mended: mended, message: message}
	}
	return all
}

// Complete removes the message from the queue. Like the other settlements it
// gives [job.ErrLockLost] when the lock is gone: the message is with another
// receiver then, or an earlier try of the same call removed it and its reply
// was lost.
func (r *Receiver) Complete(ctx context.Context, d *job.Delivery) error {
	_, err := r.settle(ctx, "complete message", d, settled((*azservicebus.Receiver).CompleteMessage, nil))
	return err
}

// Abandon gives the message back to the queue, which counts as a delivery.
func (r *Receiver) Abandon(ctx context.Context, d *job.Delivery) error {
	_, err := r.settle(ctx, "abandon message", d, settled((*azservicebus.Receiver).AbandonMessage, nil))
	return err
}

// DeadLetter moves the message to the dead-letter queue, where operators see
// reason and description. Azure keeps 4,096 characters of each.
func (r *Receiver) DeadLetter(ctx context.Context, d *job.Delivery, reason, description string) error {
	opts := &azservicebus.DeadLetterOptions{Reason: &reason, ErrorDescription: &description}
	_, err := r.settle(ctx, "dead-letter message", d, settled((*azservicebus.Receiver).DeadLetterMessage, opts))
	return err
}

// Renew prolongs the lock by the queue's lock duration from now and sets
// d.LockedUntil.
func (r *Receiver) Renew(ctx context.Context, d *job.Delivery) error {
	until, err := r.settle(ctx, "renew lock", d,
		func(ctx context.Context, receiver *azservicebus.Receiver, m *azservicebus.ReceivedMessage) (time.Time, error) {
			renewed := *m // the SDK writes to it
			err := receiver.RenewMessageLock(ctx, &renewed, nil)
			return value(renewed.LockedUntil), err
		})
	if err == nil {
		d.LockedUntil = until
	}
	return err
}

// settlement is a call about a message. A renewal gives the lock's new end.
type settlement func(ctx context.Context, receiver *azservicebus.Receiver, m *azservicebus.ReceivedMessage) (time.Time, error)

// settled makes a settlement of one of the SDK's methods.
func settled[O any](method func(*azservicebus.Receiver, context.Context, *azservicebus.ReceivedMessage, *O) error, opts *O) settlement {
	return func(ctx context.Context, receiver *azservicebus.Receiver, m *azservicebus.ReceivedMessage) (time.Time, error) {
		return time.Time{}, method(receiver, ctx, m, opts)
	}
}

// settle makes a call about a delivery until the broker has answered it. Each
// try has a deadline: the SDK's own delays between tries are long.
func (r *Receiver) settle(ctx context.Context, action string, d *job.Delivery, do settlement) (time.Time, error) {
	receipt, ok := d.Receipt.(*receipt)
	if !ok {
		return time.Time{}, fmt.Errorf("%s: the delivery has no receipt of a receiver", action)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.opts.SettleTimeout, busy(action, context.DeadlineExceeded))
	defer cancel()
	for firstTry := true; ; firstTry = false {
		line, err := r.trunk.get(ctx)
		if err != nil {
			return time.Time{}, r.giveUp(ctx, action, err)
		}
		until, err := r.try(ctx, line, receipt.over(line, firstTry), do)
		if err == nil || errors.Is(err, job.ErrLockLost) {
			return until, err
		}
		if ctx.Err() != nil {
			return time.Time{}, r.giveUp(ctx, action, err)
		}
		r.mend(ctx, line)
	}
}

func (r *Receiver) try(ctx context.Context, line *receiverLine, m *azservicebus.ReceivedMessage, do settlement) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	until, err := call(ctx, r.trunk, func(ctx context.Context) (time.Time, error) { return do(ctx, line.end, m) })
	lost := hasCode(err, azservicebus.CodeLockLost)
	if err == nil || lost {
		line.hear()
	}
	if lost {
		err = job.ErrLockLost
	}
	return until, err
}

// mend has the SDK repair the connection of a call that failed, or has the line
// given up if it cannot, and lets a little time pass.
func (r *Receiver) mend(ctx context.Context, line *receiverLine) {
	line.mended.Add(1)
	_ = r.probe(ctx, line)
	select {
	case <-time.After(firstRetry):
	case <-ctx.Done():
	}
}

// giveUp gives the error of a call that had no answer in time.
func (r *Receiver) giveUp(ctx context.Context, action string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return translate(ctx, action, err)
}
