package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// command is one of the things that asyncreply does.
type command struct {
	name, arguments string
	does            string
	least, most     int                             // arguments
	flags           []func(*options, *flag.FlagSet) // beside those that all have
	run             func(p *program, ctx context.Context, arguments []string) error
}

// commands gives all of them, in the order that --help shows.
func commands() []command {
	one := func(name, does string, run func(*program, context.Context, []string) error, flags ...func(*options, *flag.FlagSet)) command {
		return command{name, "URL|ID", does, 1, 1, append(flags, (*options).statusFlags), run}
	}
	return []command{
		{
			"submit", "OPERATION [FILE|-]", "submit a job, with a file or standard input as its payload; with --wait, write its result", 1, 2,
			[]func(*options, *flag.FlagSet){(*options).acceptorFlags, (*options).submitFlags, (*options).outFlags}, (*program).submit,
		},
		one("watch", "follow a job to its end; with --out, save its result", (*program).watch, (*options).outFlags),
		one("status", "tell how a job stands", (*program).status),
		one("result", "write the result of a job that succeeded", (*program).result, (*options).outFlags),
		one("cancel", "cancel a job, and tell how it stands then", (*program).cancel),
		{
			"operations", "", "list what can be submitted", 0, 0,
			[]func(*options, *flag.FlagSet){(*options).acceptorFlags}, (*program).operations,
		},
		{"completion", strings.Join(shells, "|"), "write a completion script for a shell", 1, 1, nil, (*program).completion},
	}
}

func lookup(name string) (command, bool) {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return all[i], true
}

func (c *command) flagSet(o *options) *flag.FlagSet {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	for _, add := range c.flags {
		add(o, f)
	}
	o.commonFlags(f)
	return f
}

// parse reads flags before, between and after arguments; behind -- there are
// arguments only.
func parse(f *flag.FlagSet, args []string) (positional []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		rest := f.Args()
		if len(rest) == 0 {
			return positional, nil
		}
		if read := len(args) - len(rest); read > 0 && args[read-1] == "--" {
			return append(positional, rest...), nil
		}
		positional, args = append(positional, rest[0]), rest[1:]
	}
}

// help tells of one command.
func (c *command) help(w io.Writer, f *flag.FlagSet) {
	fmt.Fprintf(w, "Usage: asyncreply %s [flags] %s\n\n%s.\n\n", c.name, c.arguments, strings.ToUpper(c.does[:1])+c.does[1:])
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	f.VisitAll(func(one *flag.Flag) {
		value, does := flag.UnquoteUsage(one)
		if one.DefValue != "" && one.DefValue != "false" && one.DefValue != "0s" && one.DefValue != "[]" {
			does += " (default " + one.DefValue + ")"
		}
		fmt.Fprintf(table, "  --%s %s\t%s\n", one.Name, value, does)
	})
	table.Flush()
}

// usage tells of all commands.
func (p *program) usage(w io.Writer) {
	fmt.Fprint(w, "Submits jobs, follows them, and saves their results.\n\nUsage: asyncreply COMMAND [flags] [arguments]\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(table, "  %s\t%s\n", strings.TrimSpace(c.name+" "+c.arguments), c.does)
	}
	fmt.Fprint(table, "\nasyncreply COMMAND --help tells the flags. Environment variables:\n\n")
	fmt.Fprintln(table, "  ASYNCREPLY_ACCEPTOR\tURL of the acceptor (default "+defaultAcceptor+")")
	fmt.Fprintln(table, "  ASYNCREPLY_STATUS\tURL of the status service, for jobs given by their id (default "+defaultStatus+"); where it is set, jobs of other services are refused")
	fmt.Fprintln(table, "  ASYNCREPLY_TOKEN\tbearer token for both services; never sent to storage")
	fmt.Fprint(table, "\nExit status:\n\n")
	for _, e := range exits {
		fmt.Fprintf(table, "  %d\t%s\n", e.status, e.means)
	}
	table.Flush()
}
