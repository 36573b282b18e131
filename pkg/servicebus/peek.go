package servicebus

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Peek looks at up to limit messages from a sequence number on, in order,
// without locking them: also at those that are locked, deferred or scheduled.
// There are none when the queue ends before. What it gives cannot be settled.
// It gives [job.ErrBusy] when the broker does not answer.
func (r *Receiver) Peek(ctx context.Context, from int64, limit int) ([]*job.Delivery, error) {
	const action = "peek messages"
	line, err := r.trunk.get(ctx)
	if err != nil {
		return nil, translate(ctx, action, err)
	}
	start := time.Now()
	callCtx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	messages, err := call(callCtx, r.trunk, func(ctx context.Context) ([]*azservicebus.ReceivedMessage, error) {
		return line.end.PeekMessages(ctx, limit, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
	})
	if err != nil {
		r.trunk.failed(ctx, line, start, err)
		return nil, translate(ctx, action, err)
	}
	line.hear()
	peeked := make([]*job.Delivery, len(messages))
	for i, message := range messages {
		peeked[i] = decode(message)
	}
	return peeked, nil
}
