package foreign_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/foreign"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	queue  = "jobs"
	victim = "9d3cbeb1-9f2f-4c9c-8c43-5d1dbb9a0b1e"
)

// TestMessagesAreWhatTheyAreCalled has a receiver of the services read what the
// program sends, kind by kind, and the program find what was dead-lettered.
func TestMessagesAreWhatTheyAreCalled(t *testing.T) {
	broker := localazuretest.Broker(t, &emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{{Name: queue, LockDuration: time.Minute}}}})
	connect, err := (&azure.ServiceBus{ConnectionString: broker.ConnectionString()}).Connector(nil)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := servicebus.NewReceiver(connect, queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close(context.Background())
	program, err := foreign.Open(foreign.Options{
		ConnectionString: broker.ConnectionString(), Queue: queue, Seed: 3, Every: time.Millisecond, Work: "work", Poison: "poison",
		Victim: func(context.Context) (string, bool) { return victim, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close(context.Background())
	running, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	go program.Run(running)
	seen := map[witness.Kind]bool{}
	for n := 0; len(seen) < 9; n++ {
		got, err := receiver.Receive(running, 1)
		if err != nil {
			t.Fatalf("after the kinds %v: %v", seen, err)
		}
		sent := sentAs(t, program, n)
		seen[sent.Kind] = true
		m := got[0].Message
		understood := sent.Kind == witness.Guest || sent.Kind == witness.Poison || sent.Kind == witness.Stranger || sent.Kind == witness.Impostor
		if understood != (got[0].Err == nil) {
			t.Errorf("%s is understood: %v", sent.Kind, got[0].Err)
		}
		id := map[witness.Kind]string{witness.Intruder: victim, witness.Impostor: victim}[sent.Kind] + sent.ID
		if m.ID.IsZero() != (id == "") || id != "" && m.ID.String() != id {
			t.Errorf("%s has the id %s, want %q", sent.Kind, m.ID, id)
		}
		if sent.Buried() != (sent.ID == "") {
			t.Errorf("%s has to lie in the dead-letter queue: %v", sent.Kind, sent.Buried())
		}
		if err := receiver.DeadLetter(running, got[0], string(sent.Kind), "seen"); err != nil {
			t.Error(err)
		}
		if reasons, err := program.Buried(running); err != nil || reasons[sent.MessageID] != string(sent.Kind) {
			t.Errorf("%s was dead-lettered, found is %v, %v", sent.Kind, reasons, err)
		}
	}
}

// sentAs gives what was sent nth. The broker has it a moment before the program
// knows that it does.
func sentAs(t *testing.T, program *foreign.Program, n int) foreign.Sent {
	t.Helper()
	for {
		if sent := program.Sent(); len(sent) > n {
			return sent[n]
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(time.Millisecond):
		}
	}
}
