package deploy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// leftAlone are the variables that no deployment sets, and why.
var leftAlone = map[string]string{
	"SERVICEBUS_CONNECTION_STRING": "holds a key",
	"STORAGE_CONNECTION_STRING":    "holds a key",
	"AUTH_SUBMIT_ROLES":            "the default is what docs/authentication.md has one define",
	"AUTH_READ_ROLES":              "the default is what docs/authentication.md has one define",
	"AUTH_CANCEL_ROLES":            "the default is what docs/authentication.md has one define",
	"IDEMPOTENCY_KEY_LIFETIME":     "the default suits",
	"JANITOR_INTERVAL":             "the default suits",
	"MAX_IN_FLIGHT":                "the default suits",
	"OTEL_EXPORTER_OTLP_ENDPOINT":  "no collector is deployed; docs/operations.md says what one takes",
	"OTEL_EXPORTER_OTLP_PROTOCOL":  "the default is the only one spoken",
	"PPROF_ADDR":                   "profiles are for a developer's machine; docs/operations.md says how to have them",
	"RATE_LIMIT_BURST":             "the default follows RATE_LIMIT",
	"SEND_TIMEOUT":                 "the default suits",
	"WORKER_HEARTBEAT":             "the default suits",
}

// notOurs are variables that the SDK reads.
var notOurs = []string{"AZURE_CLIENT_ID", "AZURE_TOKEN_CREDENTIALS"}

// TestVariables states that each program gets the variables that it reads, as
// its own --help tells: none is missing, none unknown.
func TestVariables(t *testing.T) {
	bin := build(t)
	d := deployment(t, nil)
	left := map[string]bool{}
	for _, program := range programs {
		set := environment(t, d, program)
		reads := variables(t, bin, program)
		for _, name := range reads {
			if _, ok := set[name]; !ok && leftAlone[name] == "" {
				t.Errorf("%s reads %s: set it in deploy/modules/%[1]s.bicep, or say in leftAlone why not", program, name)
			}
			left[name] = true
		}
		for name := range set {
			if !slices.Contains(reads, name) && !slices.Contains(notOurs, name) {
				t.Errorf("deploy/modules/%s.bicep sets %s, which %[1]s does not read", program, name)
			}
			if leftAlone[name] != "" {
				t.Errorf("%s is set, and said to be left alone", name)
			}
		}
		for _, name := range notOurs {
			if set[name] == "" {
				t.Errorf("%s has no %s", program, name)
			}
		}
	}
	for name := range leftAlone {
		if !left[name] {
			t.Errorf("nothing reads %s, which is said to be left alone", name)
		}
	}
}

// variables gives what a program says that it reads.
func variables(t *testing.T, bin, program string) (names []string) {
	t.Helper()
	out, status := execute(t, bin, program, nil, "--help")
	if status != 0 {
		t.Fatalf("%s --help: %d: %s", program, status, out)
	}
	_, table, _ := strings.Cut(out, "NAME")
	for _, match := range regexp.MustCompile(`(?m)^  ([A-Z][A-Z0-9_]+) `).FindAllStringSubmatch(table, -1) {
		names = append(names, match[1])
	}
	if len(names) < 5 {
		t.Fatalf("%s --help prints %s", program, out)
	}
	return names
}
