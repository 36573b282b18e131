package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"time"
)

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
	build      bool
	race       bool
	workers    int
	deliveries int            // of one message, until the broker gives it up
	only       *regexp.Regexp // faults to inject; nil: all
	broken     string         // how the workers are broken on purpose
	trials     int            // faults that happen alone, to measure recovery
	tolerant   bool           // of late recovery
	skew       time.Duration  // how far clocks may be wrong, either way
}

// longestOutage is what an outage of the broker lasts in a long run.
const longestOutage = 30 * time.Second

// parse reads the flags. It answers --help itself.
func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	f := o.flags()
	only := f.String("only", "", "inject only faults whose names match this `expression`")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stdout, "Runs the services under load and faults, and checks that every accepted request came to one end.")
		f.SetOutput(stdout)
		f.PrintDefaults()
		return o, err
	} else if err != nil {
		return o, err
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.jobs < 1 || o.workers < 1 || o.deliveries < 0 || o.load <= 0 || o.settle <= 0 || o.skew < 0 || o.trials < 0 {
		return o, errors.New("jobs, workers, load and settle are above zero, and there are no arguments")
	}
	o.complete()
	return o, nil
}

func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Uint64Var(&o.seed, "seed", 0, "decides faults and load; 0 draws one")
	f.IntVar(&o.jobs, "jobs", 300, "requests to post")
	f.DurationVar(&o.load, "load", 30*time.Second, "how long requests are posted and faults injected")
	f.DurationVar(&o.settle, "settle", time.Minute, "how long jobs may take to end after that")
	f.DurationVar(&o.outage, "outage", 0, "how long an outage of the broker lasts; 0: a tenth of load, 30s at most")
	f.StringVar(&o.bin, "bin", "bin/failpoints", "`folder` of the services' binaries, built with the tag failpoints")
	f.BoolVar(&o.build, "build", false, "build the services into that folder first; needs the go command and this module's source")
	f.BoolVar(&o.race, "race", false, "with --build: have the services look for data races")
	f.StringVar(&o.log, "log", "", "`file` for what the services log")
	f.StringVar(&o.cache, "cache", "", "`folder` of Azurite's installation; by default the user's cache")
	f.IntVar(&o.workers, "workers", 3, "worker processes")
	f.IntVar(&o.deliveries, "deliveries", 0, "deliveries after which the broker gives a message up, so that any job may fail; 0: more than a run has")
	f.IntVar(&o.trials, "trials", 11, "faults of connections, broker and storage that happen alone afterwards, to see how soon all is well again")
	f.BoolVar(&o.tolerant, "tolerate-late", false, "tell recoveries that took longer than 5s, and do not fail for them")
	f.DurationVar(&o.skew, "skew", 10*time.Minute, "how far the clocks of some of the processes are wrong, either way")
	f.StringVar(&o.broken, "broken", "", "break the workers on purpose, to test the checker: completes-first or overwrites")
	return f
}

func (o *options) complete() {
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixMilli() % 1_000_000)
	}
	if o.outage == 0 {
		o.outage = min(o.load/10, longestOutage)
	}
}
