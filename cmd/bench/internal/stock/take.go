package stock

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// Take receives the oldest message of the queue and completes it.
func (q *Queue) Take(ctx context.Context) error {
	messages, err := q.receiver.ReceiveMessages(ctx, 1, &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: 1})
	if err != nil {
		return err
	}
	return q.receiver.CompleteMessage(ctx, messages[0], nil)
}
