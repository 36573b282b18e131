package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// errUsage marks mistakes in how the program was called.
var errUsage = errors.New("usage")

// settings are what flags, or else the environment, say.
type settings struct {
	config, amqp, admin string
	level               slog.Level
	version             bool
}

// run serves until ctx ends. The line that tells that it is ready goes to stdout, logs go to stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	s, err := parse(args, getenv, stdout)
	if err != nil {
		return err
	}
	if s.version {
		_, err := fmt.Fprintln(stdout, "emulator", version())
		return err
	}
	broker, err := start(s, stderr)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "ready amqp=%s admin=http://%s connection-string=%s\n",
		broker.AMQPAddr(), broker.AdminAddr(), broker.ConnectionString())
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, broker.Close())
}

func start(s settings, stderr io.Writer) (*emulator.Broker, error) {
	config := emulator.DefaultConfig()
	if s.config != "" {
		var err error
		if config, err = emulator.LoadConfig(s.config); err != nil {
			return nil, err
		}
	}
	return emulator.Start(&emulator.Options{
		Config:    config,
		AMQPAddr:  s.amqp,
		AdminAddr: s.admin,
		Logger:    slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: s.level})),
	})
}

const usage = `Runs a Service Bus broker that keeps its messages in memory.

Usage: emulator [flags]

  --config FILE        queues, as in Config.json of Microsoft's emulator; one queue named jobs without it
                       (EMULATOR_CONFIG)
  --amqp HOST:PORT     where AMQP is spoken, 127.0.0.1:5672 (EMULATOR_AMQP)
  --admin HOST:PORT    where the management API and /health answer, 127.0.0.1:5300 (EMULATOR_ADMIN)
  --log-level LEVEL    debug, info, warn or error (LOG_LEVEL)
  --version            tells the version
`

func parse(args []string, getenv func(string) string, stdout io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.config, "config", getenv("EMULATOR_CONFIG"), "")
	flags.StringVar(&s.amqp, "amqp", cmp.Or(getenv("EMULATOR_AMQP"), "127.0.0.1:5672"), "")
	flags.StringVar(&s.admin, "admin", cmp.Or(getenv("EMULATOR_ADMIN"), "127.0.0.1:5300"), "")
	level := flags.String("log-level", cmp.Or(getenv("LOG_LEVEL"), "info"), "")
	flags.BoolVar(&s.version, "version", false, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usage)
		return s, err
	case err != nil:
		return s, fmt.Errorf("emulator: %w: %w", errUsage, err)
	case flags.NArg() > 0:
		return s, fmt.Errorf("emulator: %w: unexpected argument %q", errUsage, flags.Arg(0))
	case s.level.UnmarshalText([]byte(*level)) != nil:
		return s, fmt.Errorf("emulator: %w: log level %q is not debug, info, warn or error", errUsage, *level)
	}
	return s, nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
