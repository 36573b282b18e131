// Command status tells callers how their jobs stand.
package main

import (
	"context"
	"io"
	"os"

	"github.com/asyncreply/asyncreply/cmd/internal/collection"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

var version = "dev" // set by the linker

func main() { os.Exit(settings.Main("status", run)) }

// run serves until ctx is done and then lets requests in flight finish.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	program := settings.Program{
		Name: "status", Version: version,
		Does: "Tells callers by HTTP how their jobs stand, redirects them to results, and cancels.",
	}
	var cfg config
	if done, err := program.Load(&cfg, args, environ, stdout); done || err != nil {
		return err
	}
	if err := cfg.check(); err != nil {
		return err
	}
	defer collection.Pace(environ)()
	log := program.Logger(stderr, cfg.LogLevel)
	profiles, err := cfg.Profiling.Start(log)
	if err != nil {
		return err
	}
	defer profiles.Close()
	s, err := newService(&cfg, log)
	if err != nil {
		return err
	}
	defer s.close()
	return s.serve(ctx)
}
