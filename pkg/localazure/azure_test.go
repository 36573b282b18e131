package localazure_test

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// newAzure starts both services for one test.
func newAzure(t *testing.T) *localazure.Azure {
	t.Helper()
	azure, err := localazure.Start(t.Context(), &localazure.Options{Azurite: localazuretest.AzuriteOptions()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := azure.Close(); err != nil {
			t.Error(err)
		}
	})
	return azure
}

// sendAndReceive sends one message by the unmodified SDK and returns the body of the one that arrives.
func sendAndReceive(t *testing.T, connectionString, queue, body string) string {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(connectionString, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	sender, err := client.NewSender(queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.SendMessage(t.Context(), &azservicebus.Message{Body: []byte(body)}, nil); err != nil {
		t.Fatal(err)
	}
	receiver, err := client.NewReceiverForQueue(queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := receiver.ReceiveMessages(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.CompleteMessage(t.Context(), messages[0], nil); err != nil {
		t.Fatal(err)
	}
	return string(messages[0].Body)
}

// Start gives a storage account and a namespace that the unmodified SDKs work with, the queue jobs included.
func TestStart(t *testing.T) {
	t.Parallel()
	azure := newAzure(t)
	upload(t, azure.StorageConnectionString(), "container", "content")
	if got := download(t, azure.StorageConnectionString(), "container"); got != "content" {
		t.Errorf("downloaded %q", got)
	}
	if got := sendAndReceive(t, azure.ServiceBusConnectionString(), "jobs", "content"); got != "content" {
		t.Errorf("received %q", got)
	}
	if err := azure.Close(); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{azure.Broker().AMQPAddr(), azure.Broker().AdminAddr()} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s still listens after Close", address)
		}
	}
	if err := azure.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// A port of the broker that is taken is one clear line, and syscall.EADDRINUSE.
func TestBrokerPorts(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	for name, options := range map[string]emulator.Options{"AMQP": {AMQPAddr: address}, "admin": {AdminAddr: address}} {
		_, err := localazure.Start(t.Context(), &localazure.Options{Broker: options})
		want := fmt.Sprintf("localazure: emulator: %s: listen tcp %s: bind: address already in use", name, address)
		if !errors.Is(err, syscall.EADDRINUSE) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// When Azurite cannot start, the broker that has started is ended: its port is free again.
func TestStartFailsWhole(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	options := &localazure.Options{Azurite: localazuretest.AzuriteOptions(), Broker: emulator.Options{AMQPAddr: free.Addr().String()}}
	options.Azurite.BlobPort = listener.Addr().(*net.TCPAddr).Port
	if _, err := localazure.Start(t.Context(), options); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("error %v", err)
	}
	again, err := net.Listen("tcp", free.Addr().String())
	if err != nil {
		t.Fatalf("the broker is still there: %v", err)
	}
	again.Close()
}

// A broker alone is there for one test and answers the unmodified SDK.
func TestBroker(t *testing.T) {
	t.Parallel()
	queue := localazuretest.Name(t)
	broker := localazuretest.Broker(t, &emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{{Name: queue}}}})
	if got := sendAndReceive(t, broker.ConnectionString(), queue, "content"); got != "content" {
		t.Errorf("received %q", got)
	}
}
