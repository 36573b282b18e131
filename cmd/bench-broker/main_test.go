package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each measurement ends with a line that has its figures.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--rounds", "1", "--round", "50ms"}, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 1+len(measurements()) {
		t.Fatalf("got %s", &out)
	}
	line := regexp.MustCompile(`^[a-z].*\s+[1-9]\d*\s+[1-9]\d*\s+[1-9]\d*\s+\d+\.\d\s+(reached|below)$`)
	for i, m := range measurements() {
		if !strings.HasPrefix(lines[i+1], m.name) || !line.MatchString(lines[i+1]) {
			t.Errorf("got %q", lines[i+1])
		}
	}
}

// A call that cannot be measured fails.
func TestErrors(t *testing.T) {
	for _, args := range [][]string{{"--rounds", "0"}, {"--cpuprofile", "/none/profile"}, {"--none"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
