package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// print writes the report for people.
func (r *report) print(w io.Writer) error {
	var text bytes.Buffer
	load := fmt.Sprintf("%d connections", r.Connections)
	if r.Rate > 0 {
		load = fmt.Sprintf("%g requests a second over at most %s", r.Rate, load)
	}
	fmt.Fprintf(&text, "%s %s, %s, %.1f s\n\n", r.Mode, r.URL, load, r.Seconds)
	r.table(&text)
	if len(r.ErrorSamples) > 0 {
		fmt.Fprintln(&text, "\nwhat went wrong, an example of each kind:")
		for _, sample := range r.ErrorSamples {
			fmt.Fprintf(&text, "  %q\n", sample)
		}
	}
	if r.Interrupted {
		fmt.Fprintln(&text, "\nThe run was interrupted.")
	}
	_, err := w.Write(text.Bytes())
	return err
}

func (r *report) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	row("requests", "%d", r.Requests)
	row("good", "%d, %.1f a second", r.Requests-r.Errors, r.PerSecond)
	row("errors", "%d", r.Errors)
	if r.Unsent > 0 {
		row("unsent", "%d were due and found no free connection: the rate was not held", r.Unsent)
	}
	for _, status := range slices.Sorted(maps.Keys(r.Statuses)) {
		row("status "+status, "%d", r.Statuses[status])
	}
	if j := r.Jobs; j != nil {
		row("jobs accepted", "%d", j.Accepted)
		row("jobs ended", "%d succeeded, %d failed, %d canceled, %.1f a second", j.Succeeded, j.Failed, j.Canceled, j.PerSecond)
		row("jobs unfinished", "%d", j.Unfinished)
		row("polls", "%d, of which %d got no useful answer", j.Polls, j.PollErrors)
		if j.PollsPerJob.Max > 0 {
			row("polls per job", "p50 %d, p90 %d, p99 %d, max %d", j.PollsPerJob.P50, j.PollsPerJob.P90, j.PollsPerJob.P99, j.PollsPerJob.Max)
		}
	}
	t.Flush()
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "latency in ms\tmin\tmean\tp50\tp90\tp95\tp99\tp99.9\tmax\t")
	r.Latency.row(t, "answer")
	if r.Jobs != nil && r.Jobs.Latency.Max > 0 {
		r.Jobs.Latency.row(t, "job")
	}
	t.Flush()
}

func (l *latencies) row(w io.Writer, name string) {
	fmt.Fprintf(w, "%s\t", name)
	for _, ms := range []float64{l.Min, l.Mean, l.P50, l.P90, l.P95, l.P99, l.P999, l.Max} {
		fmt.Fprintf(w, "%.2f\t", ms)
	}
	fmt.Fprintln(w)
}
