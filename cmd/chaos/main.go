// Command chaos proves the promise that a 202 makes: it runs the real services
// on this machine, keeps them busy, does them harm in an order that a seed
// decides, and checks that every accepted request came to exactly one end that
// its caller can see. Its binaries are built with the tag failpoints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/build"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

func main() { os.Exit(settings.Main("chaos", run)) }

// errBroken says that a promise was broken.
var errBroken = errors.New("promises were broken")

// run does one run and gives an error unless every promise was kept and the
// services recovered soon.
func run(ctx context.Context, args, environ []string, stdout, _ io.Writer) error {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return settings.Wrong("flags", err)
	}
	if o.build {
		if err := build.Services(ctx, o.bin, &build.Options{Race: o.race}); err != nil {
			return err
		}
	}
	log, closeLog, err := openLog(o.log)
	if err != nil {
		return err
	}
	defer closeLog()
	report, err := experiment(ctx, o, environ, log)
	if err != nil {
		return err
	}
	report.write(stdout)
	return report.broken()
}

func openLog(path string) (io.Writer, func(), error) {
	if path == "" {
		return io.Discard, func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, nil, fmt.Errorf("log: %w", err)
	}
	return &lockedWriter{w: file}, func() { file.Close() }, nil
}
