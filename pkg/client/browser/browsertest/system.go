package browsertest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// binaries are the commands, built once for a package's tests.
var binaries struct {
	once   sync.Once
	root   string // of the module
	folder string
	err    error
}

// Main runs a package's tests and ends the process. A goroutine that is still
// there then is a failure.
func Main(m *testing.M) {
	code := m.Run()
	os.RemoveAll(binaries.folder)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func build() {
	gomod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		binaries.err = err
		return
	}
	binaries.root = filepath.Dir(strings.TrimSpace(string(gomod)))
	if binaries.folder, binaries.err = os.MkdirTemp("", "asyncreply-binaries-"); binaries.err != nil {
		return
	}
	cmd := exec.Command("go", "build", "-o", binaries.folder+"/", "./cmd/local", "./cmd/acceptor", "./cmd/worker", "./cmd/status")
	cmd.Dir = binaries.root
	if out, err := cmd.CombinedOutput(); err != nil {
		binaries.err = fmt.Errorf("go build: %w\n%s", err, out)
	}
}

// System is the whole system as `make run` starts it, on free ports.
type System struct {
	Acceptor, Status string // URLs

	tb       testing.TB
	settings string // file with the environment of the services
	status   int    // process id
}

// Start starts a system with arguments for cmd/local, and ends it with the
// test.
func Start(tb testing.TB, args ...string) *System {
	tb.Helper()
	binaries.once.Do(build)
	if binaries.err != nil {
		tb.Fatal(binaries.err)
	}
	folder := tb.TempDir()
	operations := filepath.Join(binaries.root, "deploy", "operations.yaml")
	args = append([]string{"--ports", "free", "--operations", operations, "--dir", folder}, args...)
	s := &System{tb: tb, settings: filepath.Join(folder, "env")}
	cmd := exec.Command(filepath.Join(binaries.folder, "local"), args...)
	cmd.Env = append(os.Environ(), "WORKER_SOFT_STOP=1s") // nobody waits for jobs that the tests left
	log := &testLog{tb: tb}
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for s.Acceptor == "" && lines.Scan() {
		s.read(lines.Text())
	}
	ended := make(chan error, 1)
	go func() {
		for lines.Scan() {
			log.Write(lines.Bytes())
		}
		ended <- cmd.Wait()
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			tb.Errorf("local ended with %v", err)
		}
		log.close()
	})
	if s.Acceptor == "" {
		tb.Fatal("local ended before it was ready")
	}
	return s
}

var (
	readyLine  = regexp.MustCompile(`^ready acceptor=(\S+) status=(\S+)$`)
	statusLine = regexp.MustCompile(`^ +status .*process (\d+)`)
)

func (s *System) read(line string) {
	if m := readyLine.FindStringSubmatch(line); m != nil {
		s.Acceptor, s.Status = m[1], m[2]
	} else if m := statusLine.FindStringSubmatch(line); m != nil {
		s.status, _ = strconv.Atoi(m[1])
	}
}

// StopStatus ends the status service and returns when it is gone.
func (s *System) StopStatus() {
	s.tb.Helper()
	if err := syscall.Kill(s.status, syscall.SIGTERM); err != nil {
		s.tb.Fatal(err)
	}
	s.await("is still there", func() bool {
		_, err := s.get("/healthz")
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

// StartStatus starts the status service again, where it was.
func (s *System) StartStatus() {
	s.tb.Helper()
	cmd := exec.Command("sh", "-c", `. "$0" && exec "$1"`, s.settings, filepath.Join(binaries.folder, "status"))
	cmd.Env = append(os.Environ(), "LISTEN_ADDR="+strings.TrimPrefix(s.Status, "http://"))
	log := &testLog{tb: s.tb}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	s.status = cmd.Process.Pid
	s.tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		log.close()
	})
	s.await("is not ready", func() bool {
		code, err := s.get("/readyz")
		return err == nil && code == http.StatusOK
	})
}

// get asks the status service on a connection of its own.
func (s *System) get(path string) (code int, err error) {
	request, err := http.NewRequestWithContext(s.tb.Context(), http.MethodGet, s.Status+path, nil)
	if err != nil {
		return 0, err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func (s *System) await(otherwise string, done func() bool) {
	s.tb.Helper()
	for deadline := time.Now().Add(Patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.tb.Fatal(s.Status, otherwise)
		}
	}
}

// testLog passes the output of a process on to the test's log, until the test
// has ended.
type testLog struct {
	tb     testing.TB
	mu     sync.Mutex
	closed bool
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.tb.Logf("%s", bytes.TrimRight(p, "\n"))
	}
	return len(p), nil
}

func (l *testLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}
