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
	"regexp"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

func main() { os.Exit(settings.Main("chaos", run)) }

// errBroken says that a promise was broken.
var errBroken = errors.New("promises were broken")

// run does one run and gives an error unless every promise was kept.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return settings.Wrong("flags", err)
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
	if !report.clean() {
		return errBroken
	}
	return nil
}

// options say what a run is like.
type options struct {
	seed       uint64
	jobs       int
	load       time.Duration // how long requests are posted and faults injected
	settle     time.Duration // how long jobs may take to end after that
	outage     time.Duration
	bin        string
	log        string
	cache      string
	workers    int
	deliveries int            // of one message, until the broker gives it up
	only       *regexp.Regexp // faults to inject; nil: all
	broken     string         // how the workers are broken on purpose
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Uint64Var(&o.seed, "seed", 0, "decides faults and load; 0 draws one")
	f.IntVar(&o.jobs, "jobs", 300, "requests to post")
	f.DurationVar(&o.load, "load", 30*time.Second, "how long requests are posted and faults injected")
	f.DurationVar(&o.settle, "settle", time.Minute, "how long jobs may take to end after that")
	f.DurationVar(&o.outage, "outage", 0, "how long an outage of the broker lasts; 0: a tenth of load, 30s at most")
	f.StringVar(&o.bin, "bin", "bin/failpoints", "`folder` of the services' binaries, built with the tag failpoints")
	f.StringVar(&o.log, "log", "", "`file` for what the services log")
	f.StringVar(&o.cache, "cache", "", "`folder` of Azurite's installation; by default the user's cache")
	f.IntVar(&o.workers, "workers", 3, "worker processes")
	f.IntVar(&o.deliveries, "deliveries", 0, "deliveries after which the broker gives a message up, which may fail any job then; 0: far more than a run has")
	only := f.String("only", "", "inject only faults whose names match this `expression`")
	f.StringVar(&o.broken, "broken", "", "break the workers on purpose, to test the checker: completes-first or overwrites")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.jobs < 1 || o.workers < 1 || o.load <= 0 || o.settle <= 0 {
		return o, errors.New("jobs, workers, load and settle are above zero, and there are no arguments")
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixMilli() % 1_000_000)
	}
	if o.outage == 0 {
		o.outage = min(o.load/10, 30*time.Second)
	}
	return o, nil
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
