package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// measurement is a way of using a broker and the rate that a prototype had on two cores shared with its clients.
type measurement struct {
	name string
	goal float64
	run  func(context.Context, *bench, time.Duration) (result, error)
}

// result is what a round measured: messages a second, and how many processor cores the process had for them.
type result struct {
	rate, cores float64
}

func measurements() []measurement {
	return []measurement{
		{"single sends, 64 goroutines, one connection", 76_000, sendSingles},
		{"single sends, 64 goroutines, two connections", 76_000, sendSinglesOverTwo},
		{"sends in batches of 100", 360_000, sendBatches},
		{"receive and complete", 49_000, receiveAndComplete},
	}
}

const (
	queueName = "bench"
	bodySize  = 128
	batchSize = 100
)

// bench is a fresh broker with a connection for sending and one for receiving.
type bench struct {
	sending, receiving *azservicebus.Client
	sender             *azservicebus.Sender
}

// round runs one measurement on a broker of its own, so that no round pays for what another left in memory.
func round(ctx context.Context, run func(context.Context, *bench, time.Duration) (result, error), length time.Duration) (r result, err error) {
	broker, err := emulator.Start(&emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{{
		Name: queueName, LockDuration: 5 * time.Minute, MaxSizeInMegabytes: 8192,
	}}}})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	b, err := connect(broker.ConnectionString())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	return run(ctx, b, length)
}

func connect(connection string) (*bench, error) {
	var b bench
	var errs [3]error
	b.sending, errs[0] = azservicebus.NewClientFromConnectionString(connection, nil)
	b.receiving, errs[1] = azservicebus.NewClientFromConnectionString(connection, nil)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	b.sender, errs[2] = b.sending.NewSender(queueName, nil)
	return &b, errs[2]
}

func (b *bench) close(ctx context.Context) error {
	return errors.Join(b.sending.Close(ctx), b.receiving.Close(ctx))
}

// sendSingles is bounded by the client, which writes to its socket once a message and from one goroutine.
func sendSingles(ctx context.Context, b *bench, length time.Duration) (result, error) {
	return singles(ctx, length, b.sender)
}

// sendSinglesOverTwo shows what the broker takes when two clients send.
func sendSinglesOverTwo(ctx context.Context, b *bench, length time.Duration) (result, error) {
	second, err := b.receiving.NewSender(queueName, nil)
	if err != nil {
		return result{}, err
	}
	return singles(ctx, length, b.sender, second)
}

func singles(ctx context.Context, length time.Duration, senders ...*azservicebus.Sender) (result, error) {
	message := func() *azservicebus.Message { return &azservicebus.Message{Body: make([]byte, bodySize)} }
	for _, sender := range senders {
		if err := sender.SendMessage(ctx, message(), nil); err != nil {
			return result{}, err // the first send makes the connection
		}
	}
	var next atomic.Int64
	return repeat(64, length, func() (int, error) {
		sender := senders[int(next.Add(1))%len(senders)]
		return 1, sender.SendMessage(ctx, message(), nil)
	})
}

func sendBatches(ctx context.Context, b *bench, length time.Duration) (result, error) {
	if _, err := b.sendBatch(ctx); err != nil {
		return result{}, err
	}
	return repeat(8, length, func() (int, error) { return b.sendBatch(ctx) })
}

func (b *bench) sendBatch(ctx context.Context) (int, error) {
	batch, err := b.sender.NewMessageBatch(ctx, nil)
	if err != nil {
		return 0, err
	}
	body := make([]byte, bodySize)
	for range batchSize {
		if err := batch.AddMessage(&azservicebus.Message{Body: body}, nil); err != nil {
			return 0, err
		}
	}
	return batchSize, b.sender.SendMessageBatch(ctx, batch, nil)
}

// repeat calls do from n goroutines for some time and gives the messages that were done a second.
func repeat(n int, length time.Duration, do func() (int, error)) (result, error) {
	var (
		work  sync.WaitGroup
		total atomic.Int64
		errs  = make([]error, n)
	)
	w := startWatch()
	for i := range n {
		work.Go(func() {
			for time.Since(w.start) < length && errs[i] == nil {
				var done int
				if done, errs[i] = do(); errs[i] == nil {
					total.Add(int64(done))
				}
			}
		})
	}
	work.Wait()
	return w.stop(total.Load()), errors.Join(errs...)
}

// watch measures a round.
type watch struct {
	start time.Time
	cpu   time.Duration
}

func startWatch() watch { return watch{time.Now(), cpuTime()} }

func (w watch) stop(messages int64) result {
	elapsed := time.Since(w.start).Seconds()
	return result{float64(messages) / elapsed, (cpuTime() - w.cpu).Seconds() / elapsed}
}
