package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// TestArguments states that a wrong or missing choice is told of in one line
// before anything is done, and what the command says about itself.
func TestArguments(t *testing.T) {
	environ := []string{
		"SERVICEBUS_CONNECTION_STRING=Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=s3cret;UseDevelopmentEmulator=true",
		"STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true",
	}
	for args, want := range map[string]string{
		"":          "--all, --id or --reason: is missing",
		"--dry-run": "--all, --id or --reason: is missing",
		"--all --id 01890a5d-ac96-774b-bcce-b302099a8057": "--all: is given together",
		"--all --reason X": "--all: is given together",
		"--id x":           `invalid value "x" for flag -id`,
		"all":              `unexpected argument "all"`,
	} {
		err := run(t.Context(), strings.Fields(args), environ, io.Discard, io.Discard)
		if _, ok := errors.AsType[*settings.Error](err); !ok || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s…", args, err, want)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--id RequestGUID", "--reason reason", "--dry-run", "SERVICEBUS_QUEUE", "RETENTION"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("--help prints %s, without %s", out.String(), want)
		}
	}
	if err := run(t.Context(), []string{"--all"}, []string{"RETENTION=0s"}, io.Discard, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "SERVICEBUS_CONNECTION_STRING is missing") || !strings.Contains(err.Error(), "RETENTION: 0s") {
		t.Errorf("wrong settings: %v", err)
	}
}

// TestSelection states what ids and reasons select.
func TestSelection(t *testing.T) {
	one, other := job.ID{1}, job.ID{2}
	for name, test := range map[string]struct {
		choice selection
		want   bool
	}{
		"all":                   {selection{all: true}, true},
		"its id":                {selection{ids: map[job.ID]bool{one: true, other: true}}, true},
		"another id":            {selection{ids: map[job.ID]bool{other: true}}, false},
		"its reason":            {selection{reasons: map[string]bool{"A": true, "B": true}}, true},
		"another reason":        {selection{reasons: map[string]bool{"B": true}}, false},
		"its id, not reason":    {selection{ids: map[job.ID]bool{one: true}, reasons: map[string]bool{"B": true}}, false},
		"its id and its reason": {selection{ids: map[job.ID]bool{one: true}, reasons: map[string]bool{"A": true}}, true},
	} {
		if got := test.choice.selects(&job.Delivery{Message: job.Message{ID: one}, DeadLetterReason: "A"}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestByReason states that the command puts back what it is asked to, says so,
// and leaves the rest.
func TestByReason(t *testing.T) {
	broker := localazuretest.Broker(t, nil)
	environ := []string{
		"SERVICEBUS_CONNECTION_STRING=" + broker.ConnectionString(),
		"STORAGE_CONNECTION_STRING=" + localazuretest.Storage(t).ConnectionString(),
		"TABLE_PREFIX=" + localazuretest.Name(t),
	}
	var cfg config
	if err := settings.Parse(&cfg, environ); err != nil {
		t.Fatal(err)
	}
	wanted, other := bury(t, &cfg, "BackendDown"), bury(t, &cfg, "AttemptsExhausted")
	var out bytes.Buffer
	for _, step := range []struct{ args, line, last string }{
		{"--reason BackendDown --dry-run", "redriven id=" + wanted.String(), "redrive: redriven=1 removed=0 skipped=0 failed=0 dry-run=true\n"},
		{"--reason BackendDown", `redriven id=` + wanted.String() + ` operation="work" reason="BackendDown"`, "redriven=1 removed=0 skipped=0 failed=0 dry-run=false\n"},
		{"--reason BackendDown", "redrive: ", "redriven=0 removed=0 skipped=0 failed=0 dry-run=false\n"},
		{"--id " + other.String(), "redriven id=" + other.String(), "redriven=1 removed=0 skipped=0 failed=0 dry-run=false\n"},
	} {
		out.Reset()
		if err := run(t.Context(), strings.Fields(step.args), environ, &out, io.Discard); err != nil {
			t.Fatalf("%s: %v", step.args, err)
		}
		if !strings.HasPrefix(out.String(), step.line) || !strings.HasSuffix(out.String(), step.last) {
			t.Errorf("%s prints\n%s", step.args, out.String())
		}
	}
	checkQueued(t, &cfg, wanted, other)
}

// bury has a message dead-lettered as a worker does it.
func bury(t *testing.T, cfg *config, reason string) job.ID {
	t.Helper()
	connect, err := cfg.ServiceBus.Connector(nil)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := servicebus.NewSender(connect, cfg.ServiceBus.Queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close(t.Context())
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	m := &job.Message{ID: job.NewIssuer(ring, nil).Issue(""), Operation: "work", SubmittedAt: time.Now(), Attempt: 1, Body: []byte("x")}
	if err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	receiver, err := servicebus.NewReceiver(connect, cfg.ServiceBus.Queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close(t.Context())
	messages, err := receiver.Receive(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.DeadLetter(t.Context(), messages[0], reason, ""); err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// checkQueued checks that both jobs wait for a second attempt, by a message and
// by their records.
func checkQueued(t *testing.T, cfg *config, ids ...job.ID) {
	t.Helper()
	clients := azuretest.Clients(t, cfg.Storage.ConnectionString)
	records := tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: cfg.Storage.TablePrefix})
	connect, err := cfg.ServiceBus.Connector(nil)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := servicebus.NewReceiver(connect, cfg.ServiceBus.Queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close(t.Context())
	there, err := receiver.Peek(t.Context(), 0, 10)
	if err != nil || len(there) != len(ids) {
		t.Fatalf("%d messages in the queue, %v", len(there), err)
	}
	for i, id := range ids {
		if m := there[i].Message; m.ID != id || m.Attempt != 2 || string(m.Body) != "x" {
			t.Errorf("queued %+v", m)
		}
		r, err := records.Get(t.Context(), id)
		if err != nil || r.Status != job.StatusRunning || r.LastError == nil || r.NextAttemptAt.IsZero() {
			t.Errorf("record %+v, %v", r, err)
		}
	}
}
