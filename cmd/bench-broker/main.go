// Command bench-broker measures the broker of pkg/emulator with the unmodified Azure SDK in the same process, and prints the
// medians of several rounds beside the figures it should reach on two cores. The last column tells how many cores it got:
// with less than two the machine was busy with something else, and the figures are too low.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-broker:", err)
		os.Exit(1)
	}
}

// limit ends a benchmark that does not end by itself.
const limit = time.Minute

// run measures each way of using a broker, in rounds of a fixed time.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("bench-broker", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "rounds of each measurement")
	length := flags.Duration("round", 1500*time.Millisecond, "time that a round sends or receives for")
	only := flags.String("only", "", "measurements to run: those whose name contains this")
	profile := flags.String("cpuprofile", "", "file for a CPU profile")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rounds < 1 {
		return errors.New("there must be at least one round")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %v", limit))
	defer cancel()
	stop, err := startProfile(*profile)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(stdout, "%-30s %10s %10s %10s   %5s\n", "messages a second", "median", "best", "goal", "cores")
	for _, m := range measurements() {
		if !strings.Contains(m.name, *only) {
			continue
		}
		if err := m.report(ctx, *rounds, *length, stdout); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// report prints one line: the median and the best of some rounds.
func (m measurement) report(ctx context.Context, rounds int, length time.Duration, stdout io.Writer) error {
	results := make([]result, rounds)
	for i := range results {
		var err error
		if results[i], err = round(ctx, m.run, length); err != nil {
			return err
		}
	}
	slices.SortFunc(results, func(a, b result) int { return cmp.Compare(a.rate, b.rate) })
	median, best := results[rounds/2], results[rounds-1]
	verdict := "reached"
	if median.rate < m.goal {
		verdict = "below"
	}
	_, err := fmt.Fprintf(stdout, "%-30s %10.0f %10.0f %10.0f   %5.1f   %s\n",
		m.name, median.rate, best.rate, m.goal, median.cores, verdict)
	return err
}

func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}
