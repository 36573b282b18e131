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

// TestConfigurationErrors states that each missing or malformed setting stops
// the start with one line that names it.
func TestConfigurationErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "operations.yaml")
	if err := os.WriteFile(file, []byte(operations), 0o600); err != nil {
		t.Fatal(err)
	}
	good := map[string]string{
		"SERVICEBUS_CONNECTION_STRING": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=s3cret;UseDevelopmentEmulator=true",
		"STORAGE_CONNECTION_STRING":    "UseDevelopmentStorage=true",
		"TICKET_KEYS":                  "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
		"OPERATIONS_FILE":              file,
		"STATUS_BASE_URL":              "https://status.example",
	}
	for _, test := range []struct{ name, value, want string }{
		{"SERVICEBUS_CONNECTION_STRING", "", "SERVICEBUS_CONNECTION_STRING is missing"},
		{"SERVICEBUS_CONNECTION_STRING", "s3cret", "SERVICEBUS_CONNECTION_STRING is not"},
		{"SERVICEBUS_QUEUE", "?", "SERVICEBUS_QUEUE"},
		{"STORAGE_CONNECTION_STRING", "", "STORAGE_CONNECTION_STRING is missing"},
		{"PAYLOAD_CONTAINER", "No", "PAYLOAD_CONTAINER"},
		{"TICKET_KEYS", "", "TICKET_KEYS is missing"},
		{"TICKET_KEYS", "s3cret", "TICKET_KEYS: ticket key 1 is not base64"},
		{"TICKET_KEYS", "c2hvcnQ=", "TICKET_KEYS: ticket key 1 has 5 bytes, needs at least 32"},
		{"OPERATIONS_FILE", "", "OPERATIONS_FILE is missing"},
		{"OPERATIONS_FILE", "nowhere.yaml", "OPERATIONS_FILE: operations file: open nowhere.yaml"},
		{"STATUS_BASE_URL", "", "STATUS_BASE_URL is missing"},
		{"STATUS_BASE_URL", "status.example", `STATUS_BASE_URL: "status.example" is not an absolute http or https URL`},
		{"LISTEN_ADDR", "8080", `LISTEN_ADDR: "8080" is not host:port or :port`},
		{"LISTEN_ADDR", ":http", `LISTEN_ADDR: ":http" is not host:port or :port`},
		{"TRUSTED_PROXIES", "10.0.0.0/8,nowhere", "TRUSTED_PROXIES: "},
		{"CORS_ALLOWED_ORIGINS", "app.example", `CORS_ALLOWED_ORIGINS: "app.example" is not an origin`},
		{"SEND_TIMEOUT", "5", "SEND_TIMEOUT: "},
		{"SEND_TIMEOUT", "-1s", "SEND_TIMEOUT: -1s is not above zero"},
		{"SHUTDOWN_TIMEOUT", "0s", "SHUTDOWN_TIMEOUT: 0s is not above zero"},
		{"DRAIN_DELAY", "soon", "DRAIN_DELAY: "},
		{"IDEMPOTENCY_KEY_LIFETIME", "1h", "IDEMPOTENCY_KEY_LIFETIME: 1h0m0s is below 24h0m0s"},
		{"MAX_IN_FLIGHT", "0", "MAX_IN_FLIGHT: 0 is not above zero"},
		{"RATE_LIMIT", "-1", "RATE_LIMIT: -1 is not between 0 and 1e+06"},
		{"RATE_LIMIT", "NaN", "RATE_LIMIT: NaN is not between"},
		{"RATE_LIMIT", "many", "RATE_LIMIT: "},
		{"RATE_LIMIT_BURST", "-1", "RATE_LIMIT_BURST: -1 is negative"},
		{"AUTH_MODE", "oauth", `AUTH_MODE: "oauth" is neither none nor entra`},
		{"AUTH_MODE", "entra", "AUTH_ISSUER is missing; AUTH_AUDIENCE is missing"},
		{"AUTH_AUDIENCE", "api", "AUTH_MODE is not entra, but AUTH_ISSUER or AUTH_AUDIENCE is set"},
		{"AUTH_SUBMIT_ROLES", "Jobs Submit", `AUTH_SUBMIT_ROLES: "Jobs Submit" is not a name`},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318", "OTEL_EXPORTER_OTLP_ENDPOINT: "},
		{"PPROF_ADDR", "6060", `PPROF_ADDR: "6060" is not host:port or :port`},
		{"LOG_LEVEL", "loud", "LOG_LEVEL: "},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
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

// TestEveryMistakeIsTold states that settings are not corrected one start at a
// time.
func TestEveryMistakeIsTold(t *testing.T) {
	err := run(t.Context(), nil, []string{"LOG_LEVEL=loud", "TICKET_KEYS=x"}, io.Discard, io.Discard)
	for _, name := range []string{"LOG_LEVEL", "TICKET_KEYS", "OPERATIONS_FILE", "STATUS_BASE_URL"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("run = %v, want it to name %s", err, name)
		}
	}
}

// TestFlags states what the command says about itself, and that it takes no
// other arguments.
func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"--version"}, []string{"acceptor dev\n"}},
		{[]string{"--help"}, []string{"SERVICEBUS_CONNECTION_STRING", "TICKET_KEYS                   (required)", "LISTEN_ADDR                   :8080"}},
	} {
		var out bytes.Buffer
		if err := run(context.Background(), test.args, nil, &out, io.Discard); err != nil {
			t.Errorf("%s: %v", test.args, err)
		}
		for _, want := range test.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s prints %q, want %q in it", test.args, out.String(), want)
			}
		}
	}
	for _, args := range [][]string{{"extra"}, {"--port=1"}} {
		if err := run(context.Background(), args, nil, io.Discard, io.Discard); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
}
