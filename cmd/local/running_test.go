package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binaries is the folder that TestMain builds the commands into.
var binaries string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "asyncreply-local-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+"/", "./cmd/...")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	binaries = dir
	return m.Run()
}

// running is a local system as a user would have started it.
type running struct {
	t                *testing.T
	cmd              *exec.Cmd
	acceptor, status string
	pids             map[string]int // of the services, by name
	settings         string         // file with the environment for further services
	exited           chan error
}

// startLocal starts the local command and waits for its ready line.
func startLocal(t *testing.T, args ...string) *running {
	t.Helper()
	dir := t.TempDir()
	args = append([]string{"--ports", "free", "--operations", "../../deploy/operations.yaml", "--dir", dir}, args...)
	r := &running{t: t, pids: map[string]int{}, settings: filepath.Join(dir, "env"), exited: make(chan error, 1)}
	r.cmd = exec.Command(filepath.Join(binaries, "local"), args...)
	r.cmd.Stderr = &testLog{t: t}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stop(syscall.SIGTERM) })
	lines := bufio.NewScanner(stdout)
	for r.acceptor == "" && lines.Scan() {
		r.read(lines.Text())
	}
	go func() {
		for lines.Scan() {
			t.Log(lines.Text())
		}
		r.exited <- r.cmd.Wait()
	}()
	if r.acceptor == "" {
		t.Fatal("local ended without saying that it is ready")
	}
	return r
}

var (
	readyLine   = regexp.MustCompile(`^ready acceptor=(\S+) status=(\S+)$`)
	processLine = regexp.MustCompile(`^ +(\w+) .*process (\d+)`)
)

func (r *running) read(line string) {
	if m := readyLine.FindStringSubmatch(line); m != nil {
		r.acceptor, r.status = m[1], m[2]
	} else if m := processLine.FindStringSubmatch(line); m != nil {
		r.pids[m[1]], _ = strconv.Atoi(m[2])
	}
}

// stop ends the local command with a signal and gives how it ended.
func (r *running) stop(signal os.Signal) error {
	if r.cmd.ProcessState != nil {
		return nil
	}
	r.cmd.Process.Signal(signal)
	select {
	case err := <-r.exited:
		r.exited <- err
		return err
	case <-time.After(time.Minute):
		r.cmd.Process.Kill()
		return fmt.Errorf("did not end within a minute of %s", signal)
	}
}

// testLog passes the output of a process on to the test's log.
type testLog struct{ t *testing.T }

func (l *testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimRight(p, "\n"))
	return len(p), nil
}

// post sends a request and gives its status URL.
func (r *running) post(path, contentType string, body io.Reader) string {
	r.t.Helper()
	response, err := http.Post(r.acceptor+path, contentType, body)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusAccepted {
		r.t.Fatalf("POST %s: %s: %s", path, response.Status, text)
	}
	if response.Header.Get("Retry-After") == "" {
		r.t.Errorf("POST %s: 202 without Retry-After", path)
	}
	return response.Header.Get("Location")
}

// await polls until the job ends, and gives the last answer, redirects not
// followed, and the progress that the answers before it showed.
func (r *running) await(url string, patience time.Duration) (*http.Response, []float64) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var progress []float64
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			r.t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			r.t.Fatalf("GET %s: %v", url, err)
		}
		if response.StatusCode != http.StatusAccepted {
			return response, progress
		}
		var pending struct{ PercentComplete float64 }
		if err := json.NewDecoder(response.Body).Decode(&pending); err != nil {
			r.t.Fatalf("GET %s: %v", url, err)
		}
		response.Body.Close()
		progress = append(progress, pending.PercentComplete)
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// result follows the redirect of a finished job to its bytes.
func (r *running) result(url string, patience time.Duration) ([]byte, string) {
	r.t.Helper()
	response, _ := r.await(url, patience)
	defer response.Body.Close()
	if response.StatusCode != http.StatusFound {
		text, _ := io.ReadAll(response.Body)
		r.t.Fatalf("GET %s: %s: %s", url, response.Status, text)
	}
	location := response.Header.Get("Location")
	if !strings.Contains(location, "sig=") {
		r.t.Errorf("the redirect's Location %s is not a SAS URL", location)
	}
	blob, err := http.Get(location)
	if err != nil {
		r.t.Fatal(err)
	}
	defer blob.Body.Close()
	content, err := io.ReadAll(blob.Body)
	if err != nil || blob.StatusCode != http.StatusOK {
		r.t.Fatalf("GET %s: %s %v", location, blob.Status, err)
	}
	return content, blob.Header.Get("Content-Type")
}
