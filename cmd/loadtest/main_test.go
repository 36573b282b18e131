package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// acceptor is the URL of the acceptor of the whole system, which TestMain
// started, as binaries, for all tests of the package.
var acceptor string

func TestMain(m *testing.M) { os.Exit(withSystem(m.Run)) }

func withSystem(run func() int) int {
	dir, err := os.MkdirTemp("", "asyncreply-loadtest-")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+"/", "./cmd/local", "./cmd/acceptor", "./cmd/status", "./cmd/worker")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return complain(fmt.Errorf("go build: %w\n%s", err, out))
	}
	stop, err := startSystem(dir)
	if err != nil {
		return complain(err)
	}
	defer stop()
	system := goleak.IgnoreCurrent()
	if failed := run(); failed != 0 {
		return failed
	}
	if err := goleak.Find(system); err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

var readyLine = regexp.MustCompile(`^ready acceptor=(\S+) status=\S+$`)

func startSystem(dir string) (stop func(), err error) {
	local := exec.Command(filepath.Join(dir, "local"), "--ports", "free", "--operations", "testdata/operations.yaml", "--dir", dir)
	var said bytes.Buffer
	local.Stderr = &said
	stdout, err := local.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := local.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = local.Process.Signal(syscall.SIGTERM)
		_ = local.Wait()
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			acceptor = m[1]
			return stop, nil
		}
	}
	stop()
	return nil, fmt.Errorf("local ended without saying that it is ready:\n%s", &said)
}

// server is a real HTTP server that notes what comes.
type server struct {
	*httptest.Server
	began time.Time

	mu       sync.Mutex
	arrivals []time.Time
	opened   []time.Time    // connections
	asked    map[string]int // requests by method and URI
	now      int            // in flight
	most     int            // in flight at a time
}

// serve starts a server; its handler runs after what came was noted.
func serve(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{began: time.Now(), asked: map[string]int{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.note(r)
		defer s.leave()
		handler(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) { s.connection(state) }
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *server) note(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = append(s.arrivals, time.Now())
	s.asked[r.Method+" "+r.RequestURI]++
	s.now++
	s.most = max(s.most, s.now)
}

func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
}

func (s *server) connection(state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.opened = append(s.opened, time.Now())
	}
}

// before counts the requests that came within d of the server's start.
func (s *server) before(d time.Duration) (n int) {
	for _, at := range s.arrivals {
		if at.Sub(s.began) < d {
			n++
		}
	}
	return n
}

func accept(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Location", "http://"+r.Host+"/job")
	w.WriteHeader(http.StatusAccepted)
}

// acceptAndEnd accepts, and says at the first poll that the job is done.
func acceptAndEnd(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		accept(w, r)
		return
	}
	w.WriteHeader(http.StatusFound)
}

// call runs the command as a shell would, and reads its JSON report.
func call(t *testing.T, args ...string) (report, error) {
	t.Helper()
	return callWith(t.Context(), t, nil, args...)
}

func callWith(ctx context.Context, t *testing.T, environ []string, args ...string) (r report, err error) {
	t.Helper()
	var stdout bytes.Buffer
	err = run(ctx, append(args, "--json", "-", "--quiet"), environ, &stdout, io.Discard)
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Errorf("the report: %v", err)
		}
	}
	return r, err
}

// must runs the command, which is to succeed; its flags are one text.
func must(t *testing.T, flags string) report {
	t.Helper()
	r, err := call(t, strings.Fields(flags)...)
	if err != nil {
		t.Fatalf("loadtest %s: %v; %+v", flags, err, r)
	}
	return r
}
