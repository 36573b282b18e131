package emulator_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// bus is a broker with one queue named "q", and what a program has of it.
type bus struct {
	t      *testing.T
	broker *emulator.Broker
	ctx    context.Context // ends when the test's patience does
	client *azservicebus.Client
}

// newBus starts a broker with a queue of these properties, of which the name does not matter.
func newBus(t *testing.T, q emulator.Queue) *bus {
	t.Helper()
	q.Name = "q"
	b, err := emulator.Start(&emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{q}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &bus{t: t, broker: b, ctx: ctx, client: connect(t, b)}
}

// connect gives an SDK client that retries quickly.
func connect(t *testing.T, b *emulator.Broker) *azservicebus.Client {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(b.ConnectionString(), &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 8, RetryDelay: 20 * time.Millisecond, MaxRetryDelay: 200 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.WithoutCancel(t.Context())) })
	return client
}

func (b *bus) sender() *azservicebus.Sender {
	b.t.Helper()
	s, err := b.client.NewSender("q", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bus) receiver(opts *azservicebus.ReceiverOptions) *azservicebus.Receiver {
	b.t.Helper()
	r, err := b.client.NewReceiverForQueue("q", opts)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bus) deadLetters() *azservicebus.Receiver {
	b.t.Helper()
	return b.receiver(&azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
}

// send sends messages with these bodies.
func (b *bus) send(bodies ...string) {
	b.t.Helper()
	s := b.sender()
	for _, body := range bodies {
		must(b.t, s.SendMessage(b.ctx, &azservicebus.Message{Body: []byte(body)}, nil))
	}
	must(b.t, s.Close(b.ctx))
}

// receive receives exactly n messages. It waits long for the last of them: in between two calls the SDK gives messages back,
// which then come out of order.
func (b *bus) receive(r *azservicebus.Receiver, n int) []*azservicebus.ReceivedMessage {
	b.t.Helper()
	var all []*azservicebus.ReceivedMessage
	for len(all) < n {
		msgs, err := r.ReceiveMessages(b.ctx, n-len(all), &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: patience})
		if err != nil {
			b.t.Fatalf("received %d of %d: %v", len(all), n, err)
		}
		all = append(all, msgs...)
	}
	return all
}

// receiveOne receives a message that must have this body.
func (b *bus) receiveOne(r *azservicebus.Receiver, body string) *azservicebus.ReceivedMessage {
	b.t.Helper()
	m := b.receive(r, 1)[0]
	if string(m.Body) != body {
		b.t.Fatalf("received %q, want %q", m.Body, body)
	}
	return m
}

// expectCounts fails unless the queue has so many messages.
func (b *bus) expectCounts(active, deadLetter int) {
	b.t.Helper()
	got, err := b.broker.QueueCounts("q")
	if err != nil || got.Active != active || got.DeadLetter != deadLetter {
		b.t.Errorf("%+v in the queue, %v; want %d active, %d dead-lettered", got, err, active, deadLetter)
	}
}

// dialRaw gives a connection of the bare AMQP client.
func (b *bus) dialRaw(opts *amqp.ConnOptions) *amqp.Conn {
	b.t.Helper()
	conn, err := amqp.Dial(b.ctx, "amqp://"+b.broker.AMQPAddr(), opts)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// rawSession gives a session of the bare AMQP client on a connection of its own.
func (b *bus) rawSession() *amqp.Session {
	b.t.Helper()
	return newSession(b, b.dialRaw(nil))
}

func newSession(b *bus, conn *amqp.Conn) *amqp.Session {
	b.t.Helper()
	s, err := conn.NewSession(b.ctx, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bodies gives the bodies of messages in order.
func bodies(msgs []*azservicebus.ReceivedMessage) string {
	var list []string
	for _, m := range msgs {
		list = append(list, string(m.Body))
	}
	return fmt.Sprint(list)
}

// numbered gives n bodies that tell their place.
func numbered(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("m%d", i))
	}
	return list
}
