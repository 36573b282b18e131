package settings

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"text/tabwriter"
)

// Program is a command that takes its configuration from the environment.
type Program struct {
	Name    string
	Version string
	Does    string // in one sentence

	// Flags adds flags of the program's own; nil: there are none.
	Flags func(*flag.FlagSet)
}

// Run is what a command does until ctx is done.
type Run func(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error

// Main runs a command until it ends by itself or by SIGINT or SIGTERM, a
// second of which ends the process at once. It gives the exit status: 0, 1
// for a failure and 2 for a wrong configuration.
func Main(name string, run Run) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	if _, ok := errors.AsType[*Error](err); ok {
		return 2
	}
	return 1
}

// Load reads the configuration. It answers --help and --version itself and
// reports then that the program is done.
func (p Program) Load(config any, args, environ []string, stdout io.Writer) (done bool, err error) {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	version := flags.Bool("version", false, "say which version this is")
	if p.Flags != nil {
		p.Flags(flags)
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return true, p.usage(flags, config, stdout)
	case err != nil:
		return false, &Error{problems: []string{err.Error()}}
	case flags.NArg() > 0:
		return false, &Error{problems: []string{fmt.Sprintf("unexpected argument %q", flags.Arg(0))}}
	case *version:
		_, err := fmt.Fprintln(stdout, p.Name, p.Version)
		return true, err
	}
	return false, Parse(config, environ)
}

// Logger gives the logger of the program: JSON lines that say who wrote them.
func (p Program) Logger(stderr io.Writer, level slog.Level) *slog.Logger {
	handler := slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level})
	return slog.New(handler).With("service", p.Name)
}

func (p Program) usage(flags *flag.FlagSet, config any, stdout io.Writer) error {
	fmt.Fprintf(stdout, "%s\n\nUsage: %s [--help] [--version]", p.Does, p.Name)
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	if p.Flags != nil {
		fmt.Fprint(stdout, " [flags]\n\n")
		flags.VisitAll(func(f *flag.Flag) {
			value, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(table, "  --%s\t%s\n", strings.TrimSpace(f.Name+" "+value), usage)
		})
		table.Flush()
	} else {
		fmt.Fprintln(stdout)
	}
	fmt.Fprint(stdout, "\nIt is configured by environment variables:\n\n")
	fmt.Fprintln(table, "  NAME\tDEFAULT\tMEANING")
	rows(reflect.TypeOf(config).Elem(), table)
	return table.Flush()
}

func rows(config reflect.Type, table io.Writer) {
	for i := range config.NumField() {
		field := config.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("env"), ",")
		if name == "" {
			if field.Type.Kind() == reflect.Struct {
				rows(field.Type, table)
			}
			continue
		}
		byDefault := field.Tag.Get("envDefault")
		if strings.Contains(options, "required") || strings.Contains(options, "notEmpty") {
			byDefault = "(required)"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", name, byDefault, field.Tag.Get("help"))
	}
}
