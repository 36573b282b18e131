package foreign

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// page is how many messages are looked at at a time.
const page = 100

// Buried gives the MessageIDs of what lies in the dead-letter queue, and why.
func (p *Program) Buried(ctx context.Context) (map[string]string, error) {
	receiver, err := p.client.NewReceiverForQueue(p.Queue, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	if err != nil {
		return nil, err
	}
	defer receiver.Close(ctx)
	reasons := map[string]string{}
	for from := int64(0); ; {
		messages, err := receiver.PeekMessages(ctx, page, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
		if err != nil {
			return nil, err
		}
		if len(messages) == 0 {
			return reasons, nil
		}
		for _, m := range messages {
			reason := ""
			if m.DeadLetterReason != nil {
				reason = *m.DeadLetterReason
			}
			reasons[m.MessageID] = reason
			from = *m.SequenceNumber + 1
		}
	}
}
