package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/load"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// measurement gives one or several figures.
type measurement struct {
	name string
	run  func(b *bench, ctx context.Context) error
}

// measurements are all there are, in the order of their figures in the report.
func measurements() []measurement {
	return []measurement{
		{"accept", (*bench).accept},
		{"poll", (*bench).poll},
		{"reads", (*bench).reads},
		{"burst", (*bench).burst},
		{"idle", (*bench).idle},
		{"memory", (*bench).memory},
	}
}

func names(all []measurement) []string {
	var list []string
	for _, m := range all {
		list = append(list, m.name)
	}
	return list
}

// bench is one run.
type bench struct {
	options
	environ  []string
	progress io.Writer
	load     load.Generator
	payload  payload
	report   report
}

func newBench(o options, environ []string, progress io.Writer) (*bench, error) {
	for _, dir := range []string{o.profiles, o.logs} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return &bench{options: o, environ: environ, progress: progress}, nil
}

// measure measures all that is asked for.
func (b *bench) measure(ctx context.Context) (*report, error) {
	if b.logs == "" {
		dir, err := os.MkdirTemp("", "asyncreply-bench-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		b.logs = dir
	}
	b.load = load.Generator{Path: filepath.Join(b.bin, "loadtest"), Dir: b.logs, Environ: b.environ}
	var err error
	if b.payload, err = newPayload(b.logs); err != nil {
		return nil, err
	}
	for _, m := range b.measurements() {
		if len(b.only) > 0 && !slices.Contains(b.only, m.name) {
			continue
		}
		start := time.Now()
		if err := m.run(b, ctx); err != nil {
			return nil, fmt.Errorf("%s could not be measured: %w", m.name, err)
		}
		b.say("%s took %s", m.name, time.Since(start).Round(100*time.Millisecond))
	}
	return &b.report, nil
}

// say tells whoever waits how far the run is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, "  "+format+"\n", args...)
}

// startSystem starts storage and broker anew, so that no figure pays for what
// another left in memory.
func (b *bench) startSystem(ctx context.Context) (*system.System, error) {
	return b.startSystemWith(ctx, b.operations)
}

// startSystemWith does so for services that offer the operations of a file.
func (b *bench) startSystemWith(ctx context.Context, operations string) (*system.System, error) {
	return system.Start(ctx, system.Options{
		Bin: b.bin, Operations: operations, Logs: b.logs, Cache: b.cache, Environ: b.environ, Profiling: b.profiles != "",
	})
}
