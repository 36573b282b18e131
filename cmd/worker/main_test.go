package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// environment gives the settings of a worker on broker and Azurite.
func environment(t *testing.T, broker *emulator.Broker, operations string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "operations.yaml")
	if err := os.WriteFile(file, []byte(operations), 0o600); err != nil {
		t.Fatal(err)
	}
	name := localazuretest.Name(t)
	return map[string]string{
		"SERVICEBUS_CONNECTION_STRING": broker.ConnectionString(),
		"STORAGE_CONNECTION_STRING":    localazuretest.Storage(t).ConnectionString(),
		"PAYLOAD_CONTAINER":            name + "-p",
		"RESULT_CONTAINER":             name + "-r",
		"TABLE_PREFIX":                 name,
		"OPERATIONS_FILE":              file,
		"WORKER_HEALTH_ADDR":           "127.0.0.1:0",
		"PATH":                         os.Getenv("PATH"),
	}
}

func list(environment map[string]string) []string {
	var entries []string
	for name, value := range environment {
		entries = append(entries, name+"="+value)
	}
	return entries
}

// running is a worker started by run.
type running struct {
	t    *testing.T
	url  string
	stop context.CancelFunc
	done chan error
}

// start runs the command until the test ends and waits until it is ready.
func start(t *testing.T, environment map[string]string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, stop: cancel, done: make(chan error, 1)}
	log := newJournal(t)
	go func() {
		r.done <- run(ctx, nil, list(environment), io.Discard, log)
		log.Close()
		close(r.done)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.done
		log.finish()
		http.DefaultClient.CloseIdleConnections()
	})
	r.url = "http://" + log.await("listening")["address"].(string)
	log.await("ready")
	return r
}

// status asks the worker's probe.
func (r *running) status(path string) int {
	r.t.Helper()
	response, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // only the status matters
	return response.StatusCode
}

// journal collects log lines by their message.
type journal struct {
	*io.PipeWriter
	t    *testing.T
	read chan struct{}

	mu    sync.Mutex
	lines map[string]chan map[string]any
}

func newJournal(t *testing.T) *journal {
	reader, writer := io.Pipe()
	j := &journal{PipeWriter: writer, t: t, read: make(chan struct{}), lines: map[string]chan map[string]any{}}
	go func() {
		defer close(j.read)
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			t.Log(scanner.Text())
			var line map[string]any
			if json.Unmarshal(scanner.Bytes(), &line) == nil {
				message, _ := line["msg"].(string)
				j.line(message) <- line
			}
		}
	}()
	return j
}

func (j *journal) finish() {
	j.Close()
	<-j.read
}

func (j *journal) line(message string) chan map[string]any {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lines[message] == nil {
		j.lines[message] = make(chan map[string]any, 1000)
	}
	return j.lines[message]
}

// await waits for a line with the given message.
func (j *journal) await(message string) map[string]any {
	j.t.Helper()
	select {
	case line := <-j.line(message):
		return line
	case <-time.After(patience):
		j.t.Fatalf("%q was never logged", message)
		return nil
	}
}

// caller submits jobs and looks at their records.
type caller struct {
	t       *testing.T
	sender  *servicebus.Sender
	records *tablestore.Store
	storage *azure.Clients
	issuer  *job.Issuer
	results string
}

func newCaller(t *testing.T, environment map[string]string) *caller {
	t.Helper()
	sender, err := servicebus.NewSender(azuretest.Connector(t, environment["SERVICEBUS_CONNECTION_STRING"]), "jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sender.Close(context.Background()) })
	clients := azuretest.Clients(t, environment["STORAGE_CONNECTION_STRING"])
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	return &caller{
		t: t, sender: sender, storage: clients, issuer: job.NewIssuer(ring, nil), results: environment["RESULT_CONTAINER"],
		records: tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: environment["TABLE_PREFIX"]}),
	}
}

// message makes the message of a new job.
func (c *caller) message(operation, body string) *job.Message {
	return &job.Message{
		ID: c.issuer.Issue(""), Operation: operation, SubmittedAt: time.Now(), Attempt: 1,
		ContentType: "application/json", Body: []byte(body),
	}
}

func (c *caller) send(m *job.Message) {
	c.t.Helper()
	if err := c.sender.Send(c.t.Context(), m); err != nil {
		c.t.Fatal(err)
	}
}

// submit queues a job.
func (c *caller) submit(operation, body string) job.ID {
	c.t.Helper()
	m := c.message(operation, body)
	c.send(m)
	return m.ID
}

// until waits until the job is in the given state.
func (c *caller) until(id job.ID, status job.Status) job.Record {
	c.t.Helper()
	var last job.Record
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r, err := c.records.Get(c.t.Context(), id)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			c.t.Fatal(err)
		}
		if last = r; r.Status == status {
			return r
		}
	}
	c.t.Fatalf("the job never was %s: %+v, failure %+v", status, last, last.Failure)
	return last
}

// result reads the result of a succeeded job.
func (c *caller) result(r job.Record) string {
	c.t.Helper()
	response, err := c.storage.Blobs.DownloadStream(c.t.Context(), c.results, r.Result.Blob, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, response.Body); err != nil {
		c.t.Fatal(err)
	}
	return text.String()
}
