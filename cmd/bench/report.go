package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// report is what a run found.
type report struct {
	figures  []*figure
	costs    []*cost
	memory   []usage
	growths  []*growth
	profiles []string // of processor time, files
}

// add takes a figure, and what its work cost.
func (r *report) add(f *figure, costs ...*cost) {
	r.figures = append(r.figures, f)
	r.costs = append(r.costs, costs...)
}

// publish writes the report for people, and to a file for programs if it has a
// name.
func (r *report) publish(w io.Writer, file string) error {
	if len(r.figures) > 0 {
		r.table(w)
		r.footnotes(w)
		r.cpu(w)
	}
	r.memoryTable(w)
	r.markdown(w)
	r.hints(w)
	if file != "" {
		if err := r.save(file); err != nil {
			return err
		}
	}
	if len(r.growths) > 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n", r.line())
	return err
}

// hints says how the profiles are read.
func (r *report) hints(w io.Writer) {
	if len(r.profiles) > 0 {
		fmt.Fprintln(w, "\nProfiles of processor time; beside each lies one of allocations, …-allocs.pprof:")
	}
	for _, file := range r.profiles {
		fmt.Fprintln(w, "  go tool pprof -top", file)
	}
}

func (r *report) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "figure\tours\tlimit\tratio\trounds\tgoal\tmet\t")
	for _, f := range r.figures {
		least, greatest := f.spread()
		fmt.Fprintf(t, "%s, %s\t%s\t%s\t%.2f\t%.2f–%.2f\t%s\t%s\t\n",
			f.Title, f.Unit, number(f.ours()), number(f.limit()), f.ratio(), least, greatest, f.goal(), f.verdict())
	}
	t.Flush()
}

func (f *figure) goal() string {
	if f.AtMost {
		return fmt.Sprintf("≤ %g", f.Goal)
	}
	return fmt.Sprintf("≥ %g", f.Goal)
}

func (f *figure) verdict() string {
	switch {
	case f.met():
		return "yes"
	case f.reached():
		return "disturbed"
	}
	return "no"
}

// number writes three digits or all before the point.
func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func (r *report) footnotes(w io.Writer) {
	fmt.Fprintln(w, "\nLimits, each measured in the same rounds; figures are medians, a ratio is the median of the rounds' ratios.\n"+
		"Rounds that differ much say that the machine was busy with something else.")
	for _, f := range r.figures {
		fmt.Fprintf(w, "  %s: %s\n", f.Name, f.Limit)
		if f.Note != "" {
			fmt.Fprintf(w, "    %s\n", f.Note)
		}
		if n := f.disturbed(); n > 0 {
			fmt.Fprintf(w, "    %d of %d rounds came out better than the limit, which cannot be: something else ran; measure again\n", n, len(f.Rounds))
		}
	}
	fmt.Fprintln(w, "The services log as they do by default, an access log line a request, to files.")
}

func (r *report) cpu(w io.Writer) {
	if len(r.costs) > 0 {
		fmt.Fprintln(w, "\nProcessor time, user and kernel:")
	}
	for _, c := range r.costs {
		if each, known := c.microseconds(); known {
			fmt.Fprintf(w, "  %6.1f µs of the %s per %s\n", each, c.Process, c.Of)
		} else {
			fmt.Fprintf(w, "  not known of the %s per %s: this system has no /proc\n", c.Process, c.Of)
		}
	}
}

// line is the last line, for programs.
func (r *report) line() string {
	words := []string{"bench:"}
	for _, f := range r.figures {
		words = append(words, fmt.Sprintf("%s=%.2f", f.Name, f.ratio()))
	}
	return strings.Join(words, " ")
}

func (r *report) save(path string) error {
	type measured struct {
		*figure
		OursMedian  float64 `json:"ours"`
		LimitMedian float64 `json:"limitMedian"`
		Ratio       float64 `json:"ratio"`
		Met         bool    `json:"met"`
		Disturbed   int     `json:"disturbed"` // rounds
	}
	type spent struct {
		*cost
		Microseconds *float64 `json:"microseconds"` // of one piece; null: not known
	}
	var all struct {
		Figures []measured `json:"figures"`
		CPU     []spent    `json:"cpu"`
		Memory  []usage    `json:"memory"`
		Growth  []*growth  `json:"growth,omitempty"`
	}
	all.Memory, all.Growth = r.memory, r.growths
	for _, f := range r.figures {
		all.Figures = append(all.Figures, measured{f, f.ours(), f.limit(), f.ratio(), f.met(), f.disturbed()})
	}
	for _, c := range r.costs {
		s := spent{cost: c}
		if each, known := c.microseconds(); known {
			s.Microseconds = &each
		}
		all.CPU = append(all.CPU, s)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
