package stock

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// Queue sends to a queue and receives from it, over a connection each.
type Queue struct {
	sending, receiving *azservicebus.Client
	sender             *azservicebus.Sender
	receiver           *azservicebus.Receiver
}

// OpenQueue connects to a queue.
func OpenQueue(connectionString, queue string) (*Queue, error) {
	var q Queue
	var err error
	if q.sending, err = azservicebus.NewClientFromConnectionString(connectionString, nil); err != nil {
		return nil, err
	}
	if q.receiving, err = azservicebus.NewClientFromConnectionString(connectionString, nil); err != nil {
		return nil, err
	}
	if q.sender, err = q.sending.NewSender(queue, nil); err != nil {
		return nil, err
	}
	q.receiver, err = q.receiving.NewReceiverForQueue(queue, nil)
	return &q, err
}

// Close disconnects.
func (q *Queue) Close(ctx context.Context) error {
	return errors.Join(q.sending.Close(ctx), q.receiving.Close(ctx))
}

// Trip is how long a message took to be sent, and then to be received by who
// waited for it.
type Trip struct{ Send, Receive time.Duration }

// Trip sends one message to a receiver that waits for it. The message is
// completed before Trip returns, which is in neither time.
func (q *Queue) Trip(ctx context.Context, body []byte) (Trip, error) {
	type arrival struct {
		messages []*azservicebus.ReceivedMessage
		at       time.Time
		err      error
	}
	arrived := make(chan arrival, 1)
	waiting := make(chan struct{})
	go func() {
		close(waiting)
		messages, err := q.receiver.ReceiveMessages(ctx, 1, &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: 1})
		arrived <- arrival{messages, time.Now(), err}
	}()
	<-waiting
	start := time.Now()
	if err := q.sender.SendMessage(ctx, &azservicebus.Message{Body: body}, nil); err != nil {
		return Trip{}, err
	}
	sent := time.Now()
	got := <-arrived
	if got.err != nil {
		return Trip{}, got.err
	}
	t := Trip{Send: sent.Sub(start), Receive: max(0, got.at.Sub(sent))}
	return t, q.receiver.CompleteMessage(ctx, got.messages[0], nil)
}
