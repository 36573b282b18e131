package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// build makes the program as a user would.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "emulator")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// The program serves until SIGINT or SIGTERM, and then ends with status 0 and nothing on stderr.
func TestSignals(t *testing.T) {
	program := build(t)
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program, "--amqp", "127.0.0.1:0", "--admin", "127.0.0.1:0")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil || !ready.MatchString(line) {
				t.Fatalf("got %q, %v", line, err)
			}
			stuck := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
			defer stuck.Stop()
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Fatalf("%v\n%s", err, &stderr)
			}
		})
	}
}

// The exit status tells a mistake in the call, 2, from a failure, 1; stderr has one line.
func TestExitStatus(t *testing.T) {
	program := build(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	tests := []struct {
		args   []string
		status int
		lines  int
	}{
		{[]string{"--amqp", busy.Addr().String()}, 1, 1},
		{[]string{"--config", "none.json"}, 1, 1},
		{[]string{"--none"}, 2, 1},
		{[]string{"--help"}, 0, 0},
		{[]string{"--version"}, 0, 0},
	}
	for _, tt := range tests {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, tt.args...)
		cmd.Stderr = &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		status := 0
		if errors.As(err, &exit) {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if status != tt.status || strings.Count(stderr.String(), "\n") != tt.lines {
			t.Errorf("%v: status %d, stderr %q", tt.args, status, &stderr)
		}
	}
}
