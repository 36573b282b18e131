package servicebus_test

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const queue = "jobs"

func newQueue() emulator.Queue {
	return emulator.Queue{Name: queue, LockDuration: time.Minute, MaxDeliveryCount: 10}
}

// fixture is a broker with one queue.
type fixture struct {
	*emulator.Broker
	connect servicebus.Connect
	direct  servicebus.Connect // past the relay, where there is one
	clients atomic.Int32       // made by connect
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	broker := localazuretest.Broker(t, &emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{newQueue()}}})
	settings := azure.ServiceBus{ConnectionString: broker.ConnectionString()}
	connect, err := settings.Connector(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Broker: broker}
	f.connect = func() (*azservicebus.Client, error) {
		f.clients.Add(1)
		return connect()
	}
	return f
}

func (f *fixture) sender(t *testing.T, opts *servicebus.SenderOptions) *servicebus.Sender {
	t.Helper()
	s, err := servicebus.NewSender(f.connect, queue, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSoon(t, s.Close) })
	return s
}

func (f *fixture) receiver(t *testing.T, opts *servicebus.ReceiverOptions) *servicebus.Receiver {
	t.Helper()
	r, err := servicebus.NewReceiver(f.connect, queue, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSoon(t, r.Close) })
	return r
}

// raw gives a sender of the SDK itself.
func (f *fixture) raw(t *testing.T) *azservicebus.Sender {
	t.Helper()
	client, err := f.connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSoon(t, client.Close) })
	sender, err := client.NewSender(queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func closeSoon(t *testing.T, closer func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := closer(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

var issuer = func() *job.Issuer {
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		panic(err)
	}
	return job.NewIssuer(ring, nil)
}()

// newMessage gives a message with every field set.
func newMessage(body string) *job.Message {
	id := issuer.Issue("owner")
	return &job.Message{
		ID: id, Operation: "thumbnail", Owner: "owner", SubmittedAt: time.Now().UTC().Truncate(time.Millisecond),
		StatusURL: "https://status.test/api/RequestStatus/" + id.String(), Query: url.Values{"width": {"64"}}.Encode(),
		ContentType: "image/png", Body: []byte(body), Attempt: 1, TimeToLive: time.Hour,
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: "a=b",
	}
}

// claimChecked gives a message whose payload lies elsewhere.
func claimChecked() *job.Message {
	m := newMessage("")
	m.Body, m.PayloadBlob, m.PayloadSize, m.Attempt = nil, "20261121/"+m.ID.String(), 1<<40, 3
	return m
}

func mustSend(t *testing.T, s *servicebus.Sender, m *job.Message) {
	t.Helper()
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatalf("send: %v", err)
	}
}

// receiveOne receives one message within a time that is plenty.
func receiveOne(t *testing.T, r *servicebus.Receiver) *job.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	deliveries, err := r.Receive(ctx, 1)
	if err != nil || len(deliveries) != 1 {
		t.Fatalf("receive: %d messages, %v", len(deliveries), err)
	}
	return deliveries[0]
}

// receiveNone fails the test if there is a message.
func receiveNone(t *testing.T, r *servicebus.Receiver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if deliveries, err := r.Receive(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("receive: %d messages, %v, want none", len(deliveries), err)
	}
}

// until calls f until it gives nil, and fails the test if that takes longer
// than limit. It gives how long it took.
func until(t *testing.T, limit time.Duration, f func() error) time.Duration {
	t.Helper()
	start := time.Now()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		err := f()
		took := time.Since(start)
		if err == nil && took <= limit {
			return took
		}
		if took > limit {
			t.Fatalf("after %v: %v", took, err)
		}
		<-pause.C
	}
}

// recovery is how long it may take until work goes on after a fault.
const recovery = 5 * time.Second
