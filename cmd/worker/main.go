// Command worker does the jobs that lie in the queue.
package main

import (
	"context"
	"io"
	"os"

	"github.com/asyncreply/asyncreply/cmd/internal/collection"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

var version = "dev" // set by the linker

func main() { os.Exit(settings.Main("worker", run)) }

// run works until ctx is done and then lets the jobs that run finish.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	program := settings.Program{
		Name: "worker", Version: version,
		Does: "Takes jobs from the queue, does them, and stores their results.",
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
	s, err := newService(&cfg, environ, log)
	if err != nil {
		return err
	}
	defer s.close()
	return s.serve(ctx)
}
