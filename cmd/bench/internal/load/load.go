// Package load has bin/loadtest make load, as a process of its own.
package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Generator runs the load generator.
type Generator struct {
	Path    string // of the program
	Dir     string // for its reports
	Environ []string
}

// Report is what the generator says of one run.
type Report struct {
	Seconds      float64  `json:"seconds"`
	Requests     int      `json:"requests"`
	Errors       int      `json:"errors"`
	ErrorSamples []string `json:"errorSamples"`
	LatencyMs    struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"latencyMs"`
}

// PerSecond is the rate of the requests that went well.
func (r Report) PerSecond() float64 { return float64(r.Requests-r.Errors) / r.Seconds }

// maxErrors is the part of the requests that may fail before a run says
// nothing about speed.
const maxErrors = 0.001

// Run makes load with the given flags. The run is an error if more than one
// request in a thousand fails.
func (g *Generator) Run(ctx context.Context, flags ...string) (Report, error) {
	file := filepath.Join(g.Dir, "load.json")
	cmd := exec.CommandContext(ctx, g.Path, append(flags, "--quiet", "--json", file)...)
	cmd.Env = g.Environ
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return Report{}, fmt.Errorf("load generator: %w: %s (make build builds it)", err, bytes.TrimSpace(out))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Report{}, fmt.Errorf("load generator: %w", err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return Report{}, fmt.Errorf("load generator: its report: %w", err)
	}
	return r, r.check()
}

func (r Report) check() error {
	switch {
	case r.Requests == 0 || r.Seconds <= 0:
		return errors.New("load generator: it made no request")
	case float64(r.Errors) > maxErrors*float64(r.Requests):
		return fmt.Errorf("load generator: %d of %d requests failed: %s", r.Errors, r.Requests, strings.Join(r.ErrorSamples, "; "))
	}
	return nil
}
