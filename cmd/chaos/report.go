package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/check"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/storagefault"
)

// report is what is told at the end.
type report struct {
	seed    uint64
	took    time.Duration
	verdict *check.Verdict
	refused map[string]int // requests without a 202, by what they got
	faults  map[string]int
	storage map[storagefault.Fault]int
	system  *system

	fresh, rested map[string]vitals
}

func (r *report) clean() bool { return r.verdict.Clean() }

// write writes the table, what was found, and the line for programs.
func (r *report) write(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, n int) { fmt.Fprintf(table, "%s\t%d\n", name, n) }
	fmt.Fprintf(table, "FAULTS INJECTED\t\n")
	for _, name := range slices.Sorted(maps.Keys(r.faults)) {
		row("  "+name, r.faults[name])
	}
	for _, f := range storagefault.Faults() {
		row("  requests to storage: "+string(f), r.storage[f])
	}
	fmt.Fprintf(table, "PROCESSES\tstarts\tgoroutines\theap kB\tclock\n")
	for _, p := range r.system.all() {
		a, b := r.fresh[p.Name], r.rested[p.Name]
		fmt.Fprintf(table, "  %s\t%d\t%d → %d\t%d → %d\t%+.0f min\n",
			p.Name, p.Lives(), a.Goroutines, b.Goroutines, a.Heap>>10, b.Heap>>10, p.Clock.Minutes())
	}
	fmt.Fprintf(table, "REQUESTS\t\n")
	v := r.verdict
	for _, what := range slices.Sorted(maps.Keys(r.refused)) {
		row("  without a 202 and tried again: "+what, r.refused[what])
	}
	row("  accepted", v.Accepted)
	row("  succeeded", v.Succeeded)
	row("  failed", v.Failed)
	row("  canceled", v.Canceled)
	row("  LOST", len(v.Lost))
	row("  DOUBLED", len(v.Doubled))
	row("  WRONG", len(v.Wrong))
	table.Flush()
	tell(w, "lost", v.Lost)
	tell(w, "doubled", v.Doubled)
	tell(w, "wrong", v.Wrong)
	fmt.Fprintf(w, "a request posted after the last fault, behind all that were waiting, had its result in %s\n", r.system.recovered.Round(time.Second/100))
	fmt.Fprintf(w, "took %s\n", r.took.Round(time.Second/10))
	fmt.Fprintf(w, "chaos: accepted=%d lost=%d doubled=%d wrong=%d seed=%d\n",
		v.Accepted, len(v.Lost), len(v.Doubled), len(v.Wrong), r.seed)
}

func tell(w io.Writer, what string, findings []check.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s: %s (%s): %s\n", what, f.ID, f.Kind, f.What)
	}
}

// lockedWriter lets several processes write whole lines to one place.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
