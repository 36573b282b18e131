package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestEveryKindOfProcessor keeps the promise that the stock worker does jobs
// by Go handlers, backends and programs, as the operations file says, with
// nothing made beforehand in storage; and that its probes say how it is.
func TestEveryKindOfProcessor(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		io.WriteString(w, strings.ToUpper(string(body))+" "+r.Header.Get("Api-Key"))
	}))
	defer backend.Close()
	environment := environment(t, localazuretest.Broker(t, nil), `
operations:
  customer: {processor: {go: customer}}
  upper: {processor: {http: {url: "`+backend.URL+`", headers: {Api-Key: "${BACKEND_KEY}"}}}}
  loud: {processor: {exec: {command: [tr, a-z, A-Z]}}}
`)
	environment["BACKEND_KEY"] = "k3y"
	r := start(t, environment)
	c := newCaller(t, environment)
	for _, test := range []struct{ operation, body, want string }{
		{"customer", `{"id": "1", "customername": "Ada"}`, "Ada"},
		{"upper", "quietly", "QUIETLY k3y"},
		{"loud", "softly", "SOFTLY"},
	} {
		got := c.until(c.submit(test.operation, test.body), job.StatusSucceeded)
		if text := c.result(got); !strings.Contains(text, test.want) {
			t.Errorf("%s gave %q, want %q in it", test.operation, text, test.want)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status := r.status(path); status != http.StatusOK {
			t.Errorf("%s answers %d", path, status)
		}
	}
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("run: %v", err)
	}
}

// TestStopIsSeenByProbes keeps the promise that a stopping worker is alive but
// not ready while its jobs finish.
func TestStopIsSeenByProbes(t *testing.T) {
	environment := environment(t, localazuretest.Broker(t, nil), `
operations:
  nap: {processor: {exec: {command: [sleep, "3"]}}}
`)
	r := start(t, environment)
	c := newCaller(t, environment)
	id := c.submit("nap", "")
	c.until(id, job.StatusRunning)
	r.stop()
	for r.status("/readyz") != http.StatusServiceUnavailable {
		time.Sleep(10 * time.Millisecond)
	}
	if status := r.status("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d", status)
	}
	if err := <-r.done; err != nil {
		t.Errorf("run: %v", err)
	}
	if got := c.until(id, job.StatusSucceeded); got.Attempt != 1 {
		t.Errorf("record: %+v", got)
	}
}

// TestTakenAddress keeps the promise that an address in use is one clear line.
func TestTakenAddress(t *testing.T) {
	environment := environment(t, localazuretest.Broker(t, nil), "operations: {customer: {processor: {go: customer}}}")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	environment["WORKER_HEALTH_ADDR"] = taken.Addr().String()
	err = run(t.Context(), nil, list(environment), io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "WORKER_HEALTH_ADDR") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("run: %v", err)
	}
}

// TestSignals keeps the promise that the first signal lets jobs finish and the
// second ends the process at once, whose job another worker takes over.
func TestSignals(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "worker")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	broker := localazuretest.Broker(t, nil)
	environment := environment(t, broker, `
operations:
  nap: {processor: {exec: {command: [sh, -c, "test $ASYNCREPLY_ATTEMPT -gt 1 || exec sleep 600"]}}}
`)
	c := newCaller(t, environment)
	log := newJournal(t)
	process := exec.Command(binary)
	process.Env, process.Stderr = list(environment), log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	defer log.finish()
	log.await("ready")
	id := c.submit("nap", "")
	c.until(id, job.StatusRunning)

	signal(t, process.Process)
	health := "http://" + log.await("listening")["address"].(string)
	for ready := true; ready; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get(health + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		ready = response.StatusCode == http.StatusOK
	}
	http.DefaultClient.CloseIdleConnections()
	signal(t, process.Process)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the second signal does not end the process")
	}
	broker.Faults().ExpireLocks("jobs")
	start(t, environment)
	if got := c.until(id, job.StatusSucceeded); got.Attempt != 2 {
		t.Errorf("record: %+v", got)
	}
}

func signal(t *testing.T, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}
