// Package build builds the services as chaos runs them: with failpoints, and
// with a clock that can be set wrong.
package build

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Options say how to build. The zero value is usable.
type Options struct {
	// Source is a folder of the module, the working directory if empty.
	Source string
	// Race has the services look for data races and end at the first.
	Race bool
}

// Services builds acceptor, worker and status into a folder.
func Services(ctx context.Context, to string, opts *Options) error {
	var o Options
	if opts != nil {
		o = *opts
	}
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "asyncreply-chaos-build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := o.overlay(ctx, dir)
	if err != nil {
		return err
	}
	args := []string{"build", "-tags", "failpoints", "-overlay", overlay, "-o", to + string(filepath.Separator)}
	if o.Race {
		args = append(args, "-race")
	}
	_, err = o.run(ctx, append(args, "./cmd/acceptor", "./cmd/worker", "./cmd/status")...)
	return err
}

// run runs the go command at the module's root and gives what it prints.
func (o *Options) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = o.Source
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, &stderr)
	}
	return out, nil
}
