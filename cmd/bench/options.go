package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// options say what a run is like.
type options struct {
	bin        string
	operations string
	cache      string
	logs       string
	rounds     int
	round      time.Duration // how long a round makes load, warming up not counted
	rate       int           // polls a second that storage reads are counted under
	burstJobs  int
	idleJobs   int
	largeMB    int
	queuedJobs int
	growth     bool
	only       []string
	json       string
	profiles   string
}

// profiledRound is how long load is made for a profile, if nobody says
// otherwise.
const profiledRound = 10 * time.Second

// parse reads the flags. It answers --help itself.
func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	f := o.flags()
	seconds := f.Float64("seconds", 2, "length of a round")
	only := f.String("only", "", "measure only these `figures`, separated by commas: "+strings.Join(names(measurements()), ", ")+
		"; with --growth: "+strings.Join(names(growths()), ", "))
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stdout, "Measures the services against the limits of what they stand on, on this machine.")
		f.SetOutput(stdout)
		f.PrintDefaults()
		return o, err
	} else if err != nil {
		return o, err
	}
	o.round = time.Duration(*seconds * float64(time.Second))
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	if o.profiles != "" {
		o.forProfiles(f)
	}
	if o.growth && !given(f, "rounds") {
		o.rounds = growthRounds
	}
	return o, o.check(f)
}

// given reports whether a flag was set.
func given(f *flag.FlagSet, name string) bool {
	found := false
	f.Visit(func(set *flag.Flag) { found = found || set.Name == name })
	return found
}

// measurements are those to choose from.
func (o *options) measurements() []measurement {
	if o.growth {
		return growths()
	}
	return measurements()
}

func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.bin, "bin", "bin", "`folder` of the binaries")
	f.StringVar(&o.operations, "operations", "deploy/operations.yaml", "operations `file`")
	f.StringVar(&o.cache, "cache", "", "`folder` of Azurite's installation; by default the user's cache")
	f.StringVar(&o.logs, "logs", "", "`folder` for what the processes log; by default a temporary one, which is removed")
	f.IntVar(&o.rounds, "rounds", 5, "rounds of each measurement, ours and the limit's in turn")
	f.IntVar(&o.rate, "rate", 10_000, "polls a second under which storage reads are counted")
	f.IntVar(&o.burstJobs, "burst", 5_000, "jobs of a burst")
	f.IntVar(&o.idleJobs, "idle", 100, "jobs on an idle system, one after another")
	f.IntVar(&o.largeMB, "large", 1024, "size of the payload, in `MB`, that a worker's memory is measured with")
	f.IntVar(&o.queuedJobs, "queued", 100_000, "jobs in the queue that memory is measured with")
	f.BoolVar(&o.growth, "growth", false, "measure how cost grows, and print tables in Markdown in place of figures")
	f.StringVar(&o.json, "json", "", "`file` for the report in JSON")
	f.StringVar(&o.profiles, "profile", "", "`folder` for CPU and allocation profiles of the services under the same load, of one round of 10 s")
	return f
}

// forProfiles has one long round, unless a flag says otherwise.
func (o *options) forProfiles(f *flag.FlagSet) {
	if !given(f, "rounds") {
		o.rounds = 1
	}
	if !given(f, "seconds") {
		o.round = profiledRound
	}
}

func (o *options) check(f *flag.FlagSet) error {
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.largeMB < 1 || o.queuedJobs < 2 {
		return errors.New("large is above zero, and queued is above one")
	}
	if o.rounds < 1 || o.round <= 0 || o.rate < 1 || o.burstJobs < 1 || o.idleJobs < o.rounds {
		return errors.New("rounds, seconds, rate and burst are above zero, and idle is not below rounds")
	}
	choice := names(o.measurements())
	for _, name := range o.only {
		if !slices.Contains(choice, name) {
			return fmt.Errorf("there is no figure %q, only %s", name, strings.Join(choice, ", "))
		}
	}
	return nil
}
