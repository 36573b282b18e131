package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

const (
	receivers   = 4
	receiveSize = 256 // messages asked for at once
	settlers    = 64  // completions in flight of each receiver
)

// receiveAndComplete receives from a queue that holds more than can be had in the time, and completes each message.
func receiveAndComplete(ctx context.Context, b *bench, length time.Duration) (result, error) {
	for range int(length.Seconds()*1500) + receivers*receiveSize/batchSize + 1 {
		if _, err := b.sendBatch(ctx); err != nil {
			return result{}, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		work  sync.WaitGroup
		total atomic.Int64
		w     = startWatch()
	)
	for range receivers {
		work.Go(func() {
			if err := b.receive(ctx, w.start.Add(length), &total); err != nil {
				cancel(err)
			}
		})
	}
	work.Wait()
	return w.stop(total.Load()), context.Cause(ctx)
}

func (b *bench) receive(ctx context.Context, until time.Time, total *atomic.Int64) error {
	receiver, err := b.receiving.NewReceiverForQueue(queueName, nil)
	if err != nil {
		return err
	}
	for time.Now().Before(until) {
		msgs, err := receiver.ReceiveMessages(ctx, receiveSize, &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: 1})
		if err != nil {
			return err
		}
		if err := completeAll(ctx, receiver, msgs); err != nil {
			return err
		}
		total.Add(int64(len(msgs)))
	}
	return receiver.Close(ctx)
}

// completeAll completes messages with many completions in flight.
func completeAll(ctx context.Context, receiver *azservicebus.Receiver, msgs []*azservicebus.ReceivedMessage) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	var next atomic.Int64
	for range min(settlers, len(msgs)) {
		work.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(msgs) {
					return
				}
				if err := receiver.CompleteMessage(ctx, msgs[i], nil); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	work.Wait()
	return context.Cause(ctx)
}
