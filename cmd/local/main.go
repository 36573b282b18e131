// Command local runs the whole system on one machine: Azurite and the Service
// Bus broker, and in processes of their own the acceptor, the status service
// and the workers.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

var version = "dev" // set by the linker

func main() { os.Exit(settings.Main("local", run)) }

// run starts everything, says so on stdout, and stops everything when ctx is
// done. It returns an error if something could not be started.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	cfg, err := parse(args, environ, stdout)
	if errors.Is(err, flag.ErrHelp) || errors.Is(err, errVersion) {
		return nil
	}
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	system, err := start(ctx, cfg, stderr, log)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before everything was up
		}
		return err
	}
	defer system.stop()
	announce(stdout, cfg, system)
	return system.watch(ctx, stdout)
}
