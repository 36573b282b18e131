package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ready = regexp.MustCompile(`^ready amqp=(\S+) admin=(\S+) connection-string=(Endpoint=sb://\S+;UseDevelopmentEmulator=true;)\n$`)

func noEnvironment(string) string { return "" }

// run serves on the addresses it was given until its context ends, and then gives them back.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"--amqp", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, noEnvironment, w, io.Discard)
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	found := ready.FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("got %q", line)
	}
	if !strings.Contains(found[3], found[1]) {
		t.Errorf("the connection string %s does not name %s", found[3], found[1])
	}
	for path, want := range map[string]int{"/health": 200, "/jobs": 200, "/none": 404} {
		if got := get(t, found[2]+path); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", found[1])
	if err != nil {
		t.Fatalf("the port was not given back: %v", err)
	}
	_ = l.Close()
}

func get(t *testing.T, url string) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// The environment says what the flags do not.
func TestEnvironment(t *testing.T) {
	env := map[string]string{
		"EMULATOR_CONFIG": "file", "EMULATOR_AMQP": "a:1", "EMULATOR_ADMIN": "b:2", "LOG_LEVEL": "debug",
	}
	getenv := func(name string) string { return env[name] }
	s, err := parse([]string{"--admin", "c:3"}, getenv, io.Discard)
	want := settings{config: "file", amqp: "a:1", admin: "c:3", level: -4}
	if err != nil || s != want {
		t.Fatalf("got %+v, %v; want %+v", s, err, want)
	}
	s, err = parse(nil, noEnvironment, io.Discard)
	want = settings{amqp: "127.0.0.1:5672", admin: "127.0.0.1:5300"}
	if err != nil || s != want {
		t.Fatalf("got %+v, %v; want %+v", s, err, want)
	}
}

// Whatever keeps the broker from starting is one line that says what.
func TestErrors(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"UserConfig":{"Namespaces":[{"Topics":[{"Name":"t"}]}]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args  []string
		usage bool
		want  string
	}{
		{[]string{"--amqp", busy.Addr().String()}, false, busy.Addr().String() + ": bind: address already in use"},
		{[]string{"--amqp", "127.0.0.1:0", "--admin", busy.Addr().String()}, false, "address already in use"},
		{[]string{"--amqp", "nowhere"}, false, "missing port"},
		{[]string{"--config", bad}, false, bad + ": config: topic \"t\": topics are not supported"},
		{[]string{"--config", "/none.json"}, false, "/none.json: no such file"},
		{[]string{"--amqps", "x"}, true, "-amqps"},
		{[]string{"extra"}, true, `"extra"`},
		{[]string{"--log-level", "loud"}, true, `"loud"`},
	}
	for _, tt := range tests {
		err := run(t.Context(), tt.args, noEnvironment, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") || errors.Is(err, errUsage) != tt.usage {
			t.Errorf("%v: got %v, want %q", tt.args, err, tt.want)
		}
	}
}

// The version goes to stdout.
func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--version"}, noEnvironment, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "emulator ") {
		t.Fatalf("got %q", out.String())
	}
}
