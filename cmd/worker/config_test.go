package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

// TestConfigurationErrors keeps the promise that each missing or malformed
// setting stops the start with one line that names it.
func TestConfigurationErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := map[string]string{
		"SERVICEBUS_CONNECTION_STRING": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=s3cret;UseDevelopmentEmulator=true",
		"STORAGE_CONNECTION_STRING":    "UseDevelopmentStorage=true",
		"OPERATIONS_FILE":              file("good.yaml", "operations: {customer: {processor: {go: customer}}}"),
	}
	for _, test := range []struct{ name, value, want string }{
		{"SERVICEBUS_CONNECTION_STRING", "", "SERVICEBUS_CONNECTION_STRING is missing"},
		{"SERVICEBUS_CONNECTION_STRING", "s3cret", "SERVICEBUS_CONNECTION_STRING is not"},
		{"SERVICEBUS_QUEUE", "?", "SERVICEBUS_QUEUE"},
		{"STORAGE_CONNECTION_STRING", "", "STORAGE_CONNECTION_STRING is missing"},
		{"RESULT_CONTAINER", "No", "RESULT_CONTAINER"},
		{"TABLE_PREFIX", "1", "TABLE_PREFIX"},
		{"OPERATIONS_FILE", "", "OPERATIONS_FILE is missing"},
		{"OPERATIONS_FILE", "nowhere.yaml", "OPERATIONS_FILE: operations file: open nowhere.yaml"},
		{"OPERATIONS_FILE", file("none.yaml", "operations: {x: {}}"), "OPERATIONS_FILE: "},
		{"OPERATIONS_FILE", file("other.yaml", "operations: {x: {processor: {go: nosuch}}}"),
			`OPERATIONS_FILE: operation x: there is no Go handler "nosuch", only csv-profile, customer, thumbnail`},
		{"OPERATIONS_FILE", file("secret.yaml", "operations: {x: {processor: {http: {url: 'http://127.0.0.1/', headers: {Api-Key: '${NOSUCH_SECRET}'}}}}}"),
			"OPERATIONS_FILE: operations.x.processor.http.headers.Api-Key: the environment has no NOSUCH_SECRET"},
		{"WORKER_CONCURRENCY", "many", "WORKER_CONCURRENCY: "},
		{"WORKER_CONCURRENCY", "0", "WORKER_CONCURRENCY: 0 is not between 1 and 2048"},
		{"WORKER_SOFT_STOP", "30", "WORKER_SOFT_STOP: "},
		{"WORKER_SOFT_STOP", "-1s", "WORKER_SOFT_STOP: -1s is negative"},
		{"WORKER_HEARTBEAT", "0s", "WORKER_HEARTBEAT: 0s is not above zero"},
		{"RETENTION", "0s", "RETENTION: 0s is not above zero"},
		{"RETENTION", "24h", "RETENTION: 24h0m0s is not longer than the longest queueTimeout"},
		{"JANITOR_INTERVAL", "0s", "JANITOR_INTERVAL: 0s is not above zero"},
		{"WORKER_HEALTH_ADDR", "8082", `WORKER_HEALTH_ADDR: "8082" is not host:port or :port`},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318", "OTEL_EXPORTER_OTLP_ENDPOINT: "},
		{"PPROF_ADDR", "6060", `PPROF_ADDR: "6060" is not host:port or :port`},
		{"LOG_LEVEL", "loud", "LOG_LEVEL: "},
	} {
		t.Run(test.name+"="+filepath.Base(test.value), func(t *testing.T) {
			bad := maps.Clone(good)
			bad[test.name] = test.value
			err := run(t.Context(), nil, list(bad), io.Discard, io.Discard)
			if _, ok := errors.AsType[*settings.Error](err); !ok || !strings.HasPrefix(err.Error(), test.want) {
				t.Fatalf("run = %v, want %s…", err, test.want)
			}
			if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "s3cret") {
				t.Errorf("run = %q: more than a line, or a secret", text)
			}
		})
	}
}

// TestFlags keeps the promise of what the command says about itself, and that
// it takes no other arguments.
func TestFlags(t *testing.T) {
	for arg, want := range map[string]string{"--version": "worker dev\n", "--help": "WORKER_CONCURRENCY"} {
		var out bytes.Buffer
		if err := run(context.Background(), []string{arg}, nil, &out, io.Discard); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, prints %q", arg, err, out.String())
		}
	}
	for _, arg := range []string{"extra", "--port=1"} {
		if err := run(context.Background(), []string{arg}, nil, io.Discard, io.Discard); err == nil {
			t.Errorf("%s is taken", arg)
		}
	}
}
