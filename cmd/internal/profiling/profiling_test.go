package profiling_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/cmd/internal/profiling"
	"github.com/asyncreply/asyncreply/cmd/internal/profiling/profilingtest"
)

// start serves profiles on a free port of host. It gives their URL and what
// was logged.
func start(t *testing.T, host string) (server *profiling.Server, url, log string) {
	t.Helper()
	var logged bytes.Buffer
	s := profiling.Settings{ProfilesAddr: net.JoinHostPort(host, "0")}
	server, err := s.Start(slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	match := regexp.MustCompile(`msg="profiles are served" address=\S+:(\d+)`).FindStringSubmatch(logged.String())
	if match == nil {
		t.Fatalf("logged %s", &logged)
	}
	return server, "http://127.0.0.1:" + match[1] + "/debug/pprof/", logged.String()
}

// get reads what a URL answers with 200.
func get(t *testing.T, url string) []byte {
	t.Helper()
	status, body := profilingtest.Get(t, url)
	if status != http.StatusOK {
		t.Fatalf("%s: %d: %s", url, status, body)
	}
	return body
}

// TestOff states that nothing listens unless an address is set.
func TestOff(t *testing.T) {
	defer goleak.VerifyNone(t)
	var s profiling.Settings
	if err := s.Check(); err != nil {
		t.Errorf("Check = %v", err)
	}
	server, err := s.Start(slog.New(slog.DiscardHandler))
	if server != nil || err != nil {
		t.Errorf("Start = %v, %v", server, err)
	}
	server.Close()
}

// TestProfiles states that go tool pprof reads what is served, the profile of
// mutexes too, and that nothing is left when the server is closed.
func TestProfiles(t *testing.T) {
	defer goleak.VerifyNone(t)
	server, url, log := start(t, "127.0.0.1")
	defer server.Close()
	if strings.Contains(log, "WARN") {
		t.Errorf("logged %s", log)
	}
	if index := string(get(t, url)); !strings.Contains(index, "goroutine") {
		t.Errorf("the index is %s", index)
	}
	for name, want := range map[string]string{
		"heap":              "inuse_space/bytes",
		"allocs":            "alloc_objects/count",
		"goroutine":         "goroutine/count",
		"mutex":             "contentions/count",
		"profile?seconds=1": "cpu/nanoseconds",
	} {
		if raw := read(t, get(t, url+name)); !strings.Contains(raw, want) {
			t.Errorf("%s holds %.300s, want %s", name, raw, want)
		}
	}
	if trace := get(t, url+"trace?seconds=0.1"); !bytes.HasPrefix(trace, []byte("go 1.")) {
		t.Errorf("the trace begins with %.20q", trace)
	}
	server.Close()
	if _, err := net.Dial("tcp", strings.Split(url, "/")[2]); err == nil {
		t.Error("it listens after its end")
	}
}

// read has go tool pprof tell what is in a profile.
func read(t *testing.T, profile []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(file, profile, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "tool", "pprof", "-raw", file).CombinedOutput()
	if err != nil {
		t.Fatalf("go tool pprof: %v: %s", err, out)
	}
	return string(out)
}

// TestCloseEndsProfile states that a stop does not wait for a long profile,
// and that what was taken of it arrives.
func TestCloseEndsProfile(t *testing.T) {
	defer goleak.VerifyNone(t)
	server, url, _ := start(t, "127.0.0.1")
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"trace?seconds=300", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request) // a trace begins to be written at once
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	go server.Close()
	if trace, err := io.ReadAll(response.Body); err != nil || !bytes.HasPrefix(trace, []byte("go 1.")) {
		t.Errorf("the trace begins with %.20q and ends with %v", trace, err)
	}
}

// TestOpenToOthers states that an address that is not loopback is served, and
// warned of.
func TestOpenToOthers(t *testing.T) {
	_, url, log := start(t, "")
	if !strings.Contains(log, "level=WARN") || !strings.Contains(log, "not loopback") {
		t.Errorf("logged %s", log)
	}
	get(t, url)
}

// TestWrongAddress states that an address that is malformed or taken is told
// of in one line that names the setting.
func TestWrongAddress(t *testing.T) {
	for _, address := range []string{"6060", "127.0.0.1:http", "127.0.0.1"} {
		s := profiling.Settings{ProfilesAddr: address}
		if err := s.Check(); err == nil || !strings.HasPrefix(err.Error(), "PPROF_ADDR: ") {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, url, _ := start(t, "127.0.0.1")
	taken := profiling.Settings{ProfilesAddr: strings.Split(url, "/")[2]}
	if err := taken.Check(); err != nil {
		t.Errorf("Check = %v", err)
	}
	server, err := taken.Start(slog.New(slog.DiscardHandler))
	if want := "PPROF_ADDR: listen tcp " + taken.ProfilesAddr + ": bind: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Start = %v, %v, want %s…", server, err, want)
	}
}
