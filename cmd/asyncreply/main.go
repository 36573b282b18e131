// Command asyncreply submits jobs from the command line, follows them, and
// saves their results.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

var version = "dev" // set by the linker

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(ctx, os.Args[1:], os.Environ()))
}

// program is one run of the command line.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	options        options
	bar            *bar
}

// run does what the arguments say and gives the exit status.
func (p *program) run(ctx context.Context, args, environ []string) int {
	err := p.dispatch(ctx, args, environ)
	if p.bar != nil {
		p.bar.stop()
	}
	p.explain(err)
	return exitStatus(err)
}

// dispatch finds the command that the arguments name and runs it.
func (p *program) dispatch(ctx context.Context, args, environ []string) error {
	if err := settings.Parse(&p.options, environ); err != nil {
		return usage(err)
	}
	if len(args) == 0 {
		p.usage(p.stderr)
		return usage(errors.New("name a command"))
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		if len(args) > 1 {
			return p.dispatch(ctx, []string{args[1], "--help"}, environ)
		}
		p.usage(p.stdout)
		return nil
	case "-version", "--version", "version":
		_, err := fmt.Fprintln(p.stdout, "asyncreply", version)
		return err
	}
	c, ok := lookup(args[0])
	if !ok {
		return usage(fmt.Errorf("there is no command %q; asyncreply --help lists them", args[0]))
	}
	flags := c.flagSet(&p.options)
	positional, err := parse(flags, args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.help(p.stdout, flags)
		return nil
	case err != nil:
		return usage(err)
	case len(positional) < c.least || len(positional) > c.most:
		return usage(fmt.Errorf("asyncreply %s %s: %d arguments were given", c.name, c.arguments, len(positional)))
	}
	p.bar = newBar(p.stderr, p.options.quiet || p.options.json)
	if p.options.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.options.timeout, errTimeout)
		defer cancel()
	}
	return c.run(p, ctx, positional)
}
