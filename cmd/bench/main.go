// Command bench measures the services against the limits of what they stand
// on, both in one run: it starts everything on this machine, makes load with
// cmd/loadtest, and prints each figure beside its limit and their ratio.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/limit"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

func main() { os.Exit(settings.Main("bench", run)) }

// run measures and reports. A goal that is missed is no error; a figure that
// could not be measured is.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	if len(args) == 3 && args[0] == "limit" {
		return serveLimit(ctx, args[1], args[2])
	}
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return settings.Wrong("flags", err)
	}
	b, err := newBench(o, environ, stderr)
	if err != nil {
		return err
	}
	r, err := b.measure(ctx)
	if err != nil {
		return err
	}
	return r.publish(stdout, o.json)
}

// serveLimit is the process that a service is held against.
func serveLimit(ctx context.Context, address, file string) error {
	answer, err := limit.Load(file)
	if err != nil {
		return err
	}
	return limit.Serve(ctx, address, answer)
}
