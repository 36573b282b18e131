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

	guests     *check.Verdict // on the other program's messages
	recoveries []recovery
}

// broken gives an error unless every promise was kept.
func (r *report) broken() error {
	switch {
	case !r.verdict.Clean():
		return errBroken
	case lates(r.recoveries) > 0 && !r.system.tolerant:
		return errLate
	}
	return nil
}

// write writes the table, what was found, and the line for programs.
func (r *report) write(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, n int) { fmt.Fprintf(table, "%s\t%d\n", name, n) }
	fmt.Fprintf(table, "FAULTS INJECTED\t\n")
	for _, name := range sortedKeys(r.faults) {
		row("  "+name, r.faults[name])
	}
	for _, f := range storagefault.Faults() {
		row("  requests to storage: "+string(f), r.storage[f])
	}
	table.Flush()
	fmt.Fprintf(table, "PROCESSES\tstarts\tgoroutines\theap kB\tclock\n")
	for _, p := range r.system.all() {
		a, b := r.fresh[p.Name], r.rested[p.Name]
		fmt.Fprintf(table, "  %s\t%d\t%d → %d\t%d → %d\t%+.0f min\n",
			p.Name, p.Lives(), a.Goroutines, b.Goroutines, a.Heap>>10, b.Heap>>10, p.Clock.Minutes())
	}
	table.Flush()
	writeRecoveries(table, r.recoveries)
	table.Flush()
	fmt.Fprintf(table, "REQUESTS\t\n")
	v := r.verdict
	for _, what := range sortedKeys(r.refused) {
		row("  without a 202 and tried again: "+what, r.refused[what])
	}
	row("  accepted", v.Accepted)
	row("  succeeded", v.Succeeded)
	row("  failed", v.Failed)
	row("  canceled", v.Canceled)
	kinds := r.system.sentByKind()
	for _, kind := range sortedKeys(kinds) {
		row("  of another program, "+kind, kinds[kind])
	}
	row("  of another program, succeeded", r.guests.Succeeded)
	row("  of another program, failed", r.guests.Failed)
	row("  LOST", len(v.Lost))
	row("  DOUBLED", len(v.Doubled))
	row("  WRONG", len(v.Wrong))
	row("  LATE", lates(r.recoveries))
	table.Flush()
	tell(w, "lost", v.Lost)
	tell(w, "doubled", v.Doubled)
	tell(w, "wrong", v.Wrong)
	tellLate(w, r.recoveries)
	fmt.Fprintf(w, "a request posted after the last fault, behind all that were waiting, had its result in %s\n", r.system.recovered.Round(time.Second/100))
	fmt.Fprintf(w, "took %s\n", r.took.Round(time.Second/10))
	fmt.Fprintf(w, "chaos: accepted=%d lost=%d doubled=%d wrong=%d seed=%d\n",
		v.Accepted, len(v.Lost), len(v.Doubled), len(v.Wrong), r.seed)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

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
