package emulator_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// Without options a broker has the queue "jobs" and free ports of this machine, and two of them do not meet.
func TestStartWithDefaults(t *testing.T) {
	first, err := emulator.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := emulator.Start(&emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := first.QueueCounts("Jobs"); err != nil {
		t.Error(err)
	}
	addrs := map[string]bool{first.AMQPAddr(): true, first.AdminAddr(): true, second.AMQPAddr(): true, second.AdminAddr(): true}
	for addr := range addrs {
		if !strings.HasPrefix(addr, "127.0.0.1:") {
			t.Errorf("listens on %s", addr)
		}
	}
	if len(addrs) != 4 {
		t.Errorf("got %v", addrs)
	}
	want := "Endpoint=sb://" + first.AMQPAddr() + ";SharedAccessKeyName=RootManageSharedAccessKey;" +
		"SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
	if got := first.ConnectionString(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A broker that listens everywhere is reached by the address of this machine.
func TestConnectionStringCanBeDialled(t *testing.T) {
	b, err := emulator.Start(&emulator.Options{AMQPAddr: "0.0.0.0:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got := b.ConnectionString(); !strings.HasPrefix(got, "Endpoint=sb://127.0.0.1:") {
		t.Errorf("got %s", got)
	}
}

// A broker that cannot start says why and keeps no port.
func TestStartErrors(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	tests := []struct {
		opts emulator.Options
		want string
	}{
		{emulator.Options{AMQPAddr: busy.Addr().String()}, "emulator: AMQP: listen tcp " + busy.Addr().String()},
		{emulator.Options{AMQPAddr: free.Addr().String(), AdminAddr: busy.Addr().String()}, "emulator: admin: listen tcp"},
		{emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{{Name: "a b"}}}}, `emulator: queue "a b"`},
		{emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{{Name: "a"}, {Name: "A"}}}}, "queue exists: A"},
	}
	for _, tt := range tests {
		_, err := emulator.Start(&tt.opts)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	l, err := net.Listen("tcp", free.Addr().String())
	if err != nil {
		t.Fatalf("the port was kept: %v", err)
	}
	_ = l.Close()
}

// Close may be called twice, gives back both ports and ends calls that wait.
func TestClose(t *testing.T) {
	b, err := emulator.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, b)
	receiver, err := client.NewReceiverForQueue("jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(50*time.Millisecond, func() {
		_ = b.Close()
		cancel()
	})
	// The SDK gives an error, or nothing at all when it finds its connection lost.
	if msgs, err := receiver.ReceiveMessages(ctx, 1, nil); len(msgs) > 0 {
		t.Errorf("received %v, %v from a closed broker", msgs, err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	for _, addr := range []string{b.AMQPAddr(), b.AdminAddr()} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Errorf("the port was kept: %v", err)
			continue
		}
		_ = l.Close()
	}
}

// Queues are created and deleted by name, with errors that can be told apart.
func TestQueues(t *testing.T) {
	b, _ := startEmpty(t)
	if err := b.CreateQueue(emulator.Queue{Name: "q"}); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateQueue(emulator.Queue{Name: "Q"}); !errors.Is(err, emulator.ErrQueueExists) {
		t.Errorf("created twice: %v", err)
	}
	if err := b.CreateQueue(emulator.Queue{Name: "r", MaxDeliveryCount: -1}); err == nil || !strings.Contains(err.Error(), "MaxDeliveryCount -1") {
		t.Errorf("invalid: %v", err)
	}
	if err := b.DeleteQueue("Q"); err != nil {
		t.Error(err)
	}
	if err := b.DeleteQueue("q"); !errors.Is(err, emulator.ErrQueueNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := b.QueueCounts("q"); !errors.Is(err, emulator.ErrQueueNotFound) {
		t.Errorf("counted after deletion: %v", err)
	}
}

// The counts that the management API and the broker give are those of what clients did.
func TestCounts(t *testing.T) {
	b, management := startEmpty(t)
	if err := b.CreateQueue(emulator.Queue{Name: "q"}); err != nil {
		t.Fatal(err)
	}
	client := dial(t, b)
	ctx := t.Context()
	sender, err := client.NewSender("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := sender.SendMessage(ctx, &azservicebus.Message{Body: []byte("hello")}, nil); err != nil {
			t.Fatal(err)
		}
	}
	later := []*azservicebus.Message{{Body: []byte("later")}}
	if _, err := sender.ScheduleMessages(ctx, later, time.Now().Add(time.Hour), nil); err != nil {
		t.Fatal(err)
	}
	receiver, err := client.NewReceiverForQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.DeadLetterMessage(ctx, msgs[0], nil); err != nil {
		t.Fatal(err)
	}
	got, err := management.GetQueueRuntimeProperties(ctx, "q", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.TotalMessageCount != 4 || got.ActiveMessageCount != 2 || got.DeadLetterMessageCount != 1 ||
		got.ScheduledMessageCount != 1 || got.SizeInBytes < 20 || time.Since(got.AccessedAt) > time.Minute {
		t.Errorf("got %+v", got)
	}
	if counts, err := b.QueueCounts("q"); err != nil || counts != (emulator.Counts{Active: 2, Scheduled: 1, DeadLetter: 1}) {
		t.Errorf("got %+v, %v", counts, err)
	}
}

// Warnings of a configuration are logged at the start.
func TestWarningsAreLogged(t *testing.T) {
	var log bytes.Buffer
	b, err := emulator.Start(&emulator.Options{
		Config: &emulator.Config{Warnings: []string{"mind the gap"}},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	if !strings.Contains(log.String(), "mind the gap") {
		t.Errorf("got %s", &log)
	}
}

func dial(t *testing.T, b *emulator.Broker) *azservicebus.Client {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(b.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}
