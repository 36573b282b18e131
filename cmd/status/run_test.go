package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

var ticketKey = make([]byte, job.MinKeyLength)

// environment gives a complete one. The result container does not exist.
func environment(t *testing.T) map[string]string {
	t.Helper()
	operations := filepath.Join(t.TempDir(), "operations.yaml")
	text := "operations:\n  nap:\n    queueTimeout: 2h\n    processor: {go: nap}\n"
	if err := os.WriteFile(operations, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	name := localazuretest.Name(t)
	return map[string]string{
		"STORAGE_CONNECTION_STRING": localazuretest.Storage(t).ConnectionString(),
		"RESULT_CONTAINER":          name,
		"TABLE_PREFIX":              name,
		"TICKET_KEYS":               base64.StdEncoding.EncodeToString(ticketKey),
		"OPERATIONS_FILE":           operations,
		"STATUS_BASE_URL":           "https://status.example",
		"LISTEN_ADDR":               "127.0.0.1:0",
	}
}

func list(environ map[string]string) []string {
	var list []string
	for name, value := range environ {
		list = append(list, name+"="+value)
	}
	return list
}

// makeContainer makes the result container that the environment names.
func makeContainer(t *testing.T, environ map[string]string) {
	t.Helper()
	client, err := azblob.NewClientFromConnectionString(environ["STORAGE_CONNECTION_STRING"], nil)
	if err != nil {
		t.Fatal(err)
	}
	store := blobstore.New(client, &blobstore.Options{ResultContainer: environ["RESULT_CONTAINER"]})
	if err := store.Results().Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// program is a run of the program, ended with its test.
type program struct {
	url  string
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T, environ map[string]string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &program{stop: stop, done: make(chan error, 1)}
	logged, stderr := io.Pipe()
	go func() {
		defer stderr.Close()
		p.done <- run(ctx, nil, list(environ), io.Discard, stderr)
	}()
	lines := bufio.NewScanner(logged)
	for p.url == "" && lines.Scan() {
		var line struct{ Msg, Address string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("%q is not JSON: %v", lines.Text(), err)
		}
		if line.Msg == "listening" {
			p.url = "http://" + line.Address
		}
	}
	if p.url == "" {
		t.Fatalf("never listened: %v", <-p.done)
	}
	go func() { _, _ = io.Copy(io.Discard, logged) }()
	t.Cleanup(stop)
	return p
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func issue(t *testing.T, age time.Duration) job.ID {
	t.Helper()
	ring, err := job.NewKeyRing(ticketKey)
	if err != nil {
		t.Fatal(err)
	}
	return job.NewIssuer(ring, func() time.Time { return time.Now().Add(-age) }).Issue("")
}

// TestServes states that the settings reach the service, and that a stop is
// clean and does not wait for those who listen to a job.
func TestServes(t *testing.T) {
	environ := environment(t)
	environ["RETENTION"] = "3h"
	makeContainer(t, environ)
	p := start(t, environ)
	for path, want := range map[string]int{
		"/healthz": 200,
		"/readyz":  200,
		"/api/RequestStatus/" + issue(t, 0).String():                          202,
		"/api/RequestStatus/" + issue(t, 2*time.Hour+35*time.Minute).String(): 422, // the file's queue timeout
		"/api/RequestStatus/" + issue(t, 4*time.Hour).String():                410,
	} {
		if response, body := get(t, p.url+path); response.StatusCode != want {
			t.Errorf("%s = %d, want %d: %s", path, response.StatusCode, want, body)
		}
	}
	id := issue(t, 0).String()
	if response, _ := get(t, p.url+"/api/RequestStatus/"+id); response.Header.Get("Location") != "https://status.example/api/RequestStatus/"+id {
		t.Errorf("Location = %q", response.Header.Get("Location"))
	}

	events, err := http.Get(p.url + "/api/RequestStatus/" + id + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	if _, err := events.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	p.stop()
	if _, err := io.Copy(io.Discard, events.Body); err != nil {
		t.Errorf("the event stream ended with %v", err)
	}
	if err := <-p.done; err != nil {
		t.Errorf("run = %v", err)
	}
}

// TestReadiness states that the service is not ready, and says why, while
// storage would not serve it, and ready as soon as it would.
func TestReadiness(t *testing.T) {
	environ := environment(t)
	p := start(t, environ)
	response, body := get(t, p.url+"/readyz")
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `"results"`) || strings.Contains(body, `"records"`) {
		t.Errorf("without a container: %s %s", response.Status, body)
	}
	if response, _ := get(t, p.url+"/healthz"); response.StatusCode != http.StatusOK {
		t.Errorf("healthz = %s", response.Status)
	}
	makeContainer(t, environ)
	deadline := time.Now().Add(10 * time.Second)
	for response.StatusCode != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatalf("not ready: %s", body)
		}
		response, body = get(t, p.url+"/readyz")
	}
	p.stop()
	if err := <-p.done; err != nil {
		t.Errorf("run = %v", err)
	}
}

// TestWrongSettings states that a wrong setting stops the start with a line
// that names it and gives no secret away.
func TestWrongSettings(t *testing.T) {
	right := environment(t)
	secret := right["STORAGE_CONNECTION_STRING"][strings.Index(right["STORAGE_CONNECTION_STRING"], "AccountKey="):][:40]
	for _, wrong := range []struct{ name, value string }{
		{"STORAGE_CONNECTION_STRING", ""},
		{"STORAGE_CONNECTION_STRING", "AccountName=a;" + secret},
		{"STORAGE_BLOB_ENDPOINT", "https://a.blob.core.windows.net"},
		{"RESULT_CONTAINER", "No"},
		{"TABLE_PREFIX", "1"},
		{"TICKET_KEYS", ""},
		{"TICKET_KEYS", "not base64"},
		{"TICKET_KEYS", "c2hvcnQ="},
		{"OPERATIONS_FILE", ""},
		{"OPERATIONS_FILE", "/nonexistent"},
		{"STATUS_BASE_URL", ""},
		{"STATUS_BASE_URL", "status.example"},
		{"STATUS_BASE_URL", "https://status.example/?a=b"},
		{"LISTEN_ADDR", "8081"},
		{"LISTEN_ADDR", "127.0.0.1:http"},
		{"TRUSTED_PROXIES", "10.0.0.0/8,proxy"},
		{"CORS_ALLOWED_ORIGINS", "https://app.example,app.example"},
		{"ACCEPTOR_BASE_URL", "accept.example"},
		{"RETENTION", "a week"},
		{"RETENTION", "-1h"},
		{"RETENTION", "0s"},
		{"RETENTION", "1h"},
		{"RESULT_URL_LIFETIME", "0s"},
		{"RESULT_URL_LIFETIME", "200h"},
		{"AUTH_MODE", "oauth"},
		{"AUTH_ISSUER", "https://login.example"},
		{"AUTH_READ_ROLES", "Jobs.Read,"},
		{"AUTH_CANCEL_ROLES", "Jobs Cancel"},
		{"PPROF_ADDR", "6060"},
		{"LOG_LEVEL", "loud"},
	} {
		environ := maps.Clone(right)
		environ[wrong.name] = wrong.value
		err := run(t.Context(), nil, list(environ), io.Discard, io.Discard)
		if _, ok := errors.AsType[*settings.Error](err); !ok || !strings.Contains(err.Error(), wrong.name) {
			t.Errorf("%s=%q: %v", wrong.name, wrong.value, err)
			continue
		}
		if lines := strings.Count(err.Error(), "\n"); lines > 0 || strings.Contains(err.Error(), secret) {
			t.Errorf("%s=%q: %v", wrong.name, wrong.value, err)
		}
	}
}

// TestBusyPort states that an address that is taken is one clear line.
func TestBusyPort(t *testing.T) {
	first := start(t, environment(t))
	second := environment(t)
	second["LISTEN_ADDR"] = strings.TrimPrefix(first.url, "http://")
	err := run(t.Context(), nil, list(second), io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), second["LISTEN_ADDR"]) || strings.Contains(err.Error(), "\n") {
		t.Errorf("run = %v", err)
	}
	first.stop()
	<-first.done
}

// TestFlags states what the command says about itself, and that it takes no
// other arguments.
func TestFlags(t *testing.T) {
	for flag, want := range map[string]string{"--version": "status dev\n", "--help": "RESULT_URL_LIFETIME        10m"} {
		var out strings.Builder
		if err := run(t.Context(), []string{flag}, nil, &out, io.Discard); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s = %q, %v", flag, out.String(), err)
		}
	}
	for _, args := range [][]string{{"serve"}, {"--version", "me"}, {"--port=1"}} {
		err := run(t.Context(), args, nil, io.Discard, io.Discard)
		if _, ok := errors.AsType[*settings.Error](err); !ok {
			t.Errorf("%v: %v", args, err)
		}
	}
}
