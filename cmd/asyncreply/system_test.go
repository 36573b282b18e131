package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// system is where the services answer that TestMain started, as binaries, for
// all tests of the package.
var system struct{ acceptor, status string }

func TestMain(m *testing.M) { os.Exit(withSystem(m.Run)) }

func withSystem(run func() int) int {
	dir, err := os.MkdirTemp("", "asyncreply-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+"/", "./cmd/local", "./cmd/acceptor", "./cmd/status", "./cmd/worker")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	stop, err := startSystem(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	return run()
}

var readyLine = regexp.MustCompile(`^ready acceptor=(\S+) status=(\S+)$`)

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
			system.acceptor, system.status = m[1], m[2]
			return stop, nil
		}
	}
	stop()
	return nil, fmt.Errorf("local ended without saying that it is ready:\n%s", &said)
}

// outcome is what a run of the command left.
type outcome struct {
	exit           int
	stdout, stderr string
}

// call runs the command as a shell would, against the system.
func call(t *testing.T, args ...string) outcome {
	t.Helper()
	return callWith(t.Context(), "", []string{"ASYNCREPLY_ACCEPTOR=" + system.acceptor, "ASYNCREPLY_STATUS=" + system.status}, args...)
}

func callWith(ctx context.Context, stdin string, environ []string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	p := &program{stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr}
	exit := p.run(ctx, args, environ)
	return outcome{exit, stdout.String(), stderr.String()}
}

// want checks the exit status and what standard error says.
func (o outcome) want(t *testing.T, exit int, says string) outcome {
	t.Helper()
	if o.exit != exit || !strings.Contains(o.stderr, says) || says == "" && o.stderr != "" {
		t.Errorf("exit status %d, want %d; standard error, which should say %q:\n%s", o.exit, exit, says, o.stderr)
	}
	return o
}
