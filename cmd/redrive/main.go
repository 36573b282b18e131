// Command redrive puts dead-lettered jobs back into the queue.
package main

import (
	"context"
	"io"
	"os"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

var version = "dev" // set by the linker

func main() { os.Exit(settings.Main("redrive", run)) }

// run puts back what args select, and says of each message what became of it.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	var choice selection
	program := settings.Program{
		Name: "redrive", Version: version,
		Does:  "Puts dead-lettered jobs back into the queue, and their state with them: their callers see them pending again.",
		Flags: choice.flags,
	}
	var cfg config
	if done, err := program.Load(&cfg, args, environ, stdout); done || err != nil {
		return err
	}
	if err := settings.Check(cfg.check(), choice.check()); err != nil {
		return err
	}
	s, err := newService(&cfg, program.Logger(stderr, cfg.LogLevel))
	if err != nil {
		return err
	}
	defer s.close()
	return s.redrive(ctx, &choice, stdout)
}
