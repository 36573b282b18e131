package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

const operations = `
operations:
  anything: {processor: {go: anything}}
`

// environment gives the settings of an acceptor on broker and Azurite.
func environment(t *testing.T, broker *emulator.Broker) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "operations.yaml")
	if err := os.WriteFile(file, []byte(operations), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"SERVICEBUS_CONNECTION_STRING": broker.ConnectionString(),
		"STORAGE_CONNECTION_STRING":    localazuretest.Storage(t).ConnectionString(),
		"PAYLOAD_CONTAINER":            localazuretest.Name(t),
		"TABLE_PREFIX":                 localazuretest.Name(t),
		"TICKET_KEYS":                  "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
		"OPERATIONS_FILE":              file,
		"STATUS_BASE_URL":              "https://status.example",
		"LISTEN_ADDR":                  "127.0.0.1:0",
	}
}

func list(environment map[string]string) []string {
	var entries []string
	for name, value := range environment {
		entries = append(entries, name+"="+value)
	}
	return entries
}

// running is an acceptor started by run.
type running struct {
	t    *testing.T
	url  string
	log  *journal
	stop context.CancelFunc
	done chan error
}

// start runs the command until the test ends and waits until it listens.
func start(t *testing.T, environment map[string]string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, log: &journal{changed: make(chan struct{}, 1)}, stop: cancel, done: make(chan error, 1)}
	go func() {
		r.done <- run(ctx, nil, list(environment), io.Discard, r.log)
		close(r.done)
	}()
	t.Cleanup(func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		receive(t, r.done)
	})
	r.url = "http://" + r.logged("listening")["address"].(string)
	return r
}

// logged waits for a log line with the given message.
func (r *running) logged(message string) map[string]any {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		if entry := r.log.find(message); entry != nil {
			return entry
		}
		select {
		case <-r.log.changed:
		case err := <-r.done:
			r.t.Fatalf("run ended with %v and never logged %q", err, message)
		case <-deadline:
			r.t.Fatalf("%q was never logged", message)
		}
	}
}

// request sends one request, with headers given as names and values in turn,
// and reads the answer to its end.
func (r *running) request(method, path string, body io.Reader, header ...string) (*http.Response, string) {
	r.t.Helper()
	request, err := http.NewRequest(method, r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response, string(text)
}

// await asks for a path until it answers with status.
func (r *running) await(path string, status int) string {
	r.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if response, text := r.request(http.MethodGet, path, nil); response.StatusCode == status {
			return text
		}
	}
	r.t.Fatalf("%s never answered %d", path, status)
	return ""
}

// receive waits for a value, but not for ever.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case value := <-c:
		return value
	case <-time.After(patience):
		t.Fatal("nothing came in time")
		panic("unreachable")
	}
}

// journal collects log lines.
type journal struct {
	changed chan struct{}
	mu      sync.Mutex
	text    bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case j.changed <- struct{}{}:
	default:
	}
	return j.text.Write(p)
}

// find gives the last line with the given message, or nil.
func (j *journal) find(message string) (found map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
			found = entry
		}
	}
	return found
}
