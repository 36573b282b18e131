package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// usage is memory that something took.
type usage struct {
	What  string  `json:"what"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Known bool    `json:"known"`
	Goal  float64 `json:"goal,omitempty"` // at most; none if zero
}

// peak gives the usage with the most that a service has had.
func (u usage) peak(service *system.Service) usage {
	most := peak(service)
	u.Value, u.Known = most.Megabytes(), most.Known
	return u
}

// addMemory takes what was found about memory.
func (r *report) addMemory(usages ...usage) { r.memory = append(r.memory, usages...) }

// memoryTable writes what was found about memory.
func (r *report) memoryTable(w io.Writer) {
	if len(r.memory) == 0 {
		return
	}
	fmt.Fprintln(w, "\nResident memory, the program included, at its peak:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, u := range r.memory {
		fmt.Fprintf(t, "%s\t%s\t%s\t\n", u.What, u.amount(), u.verdict())
	}
	t.Flush()
}

func (u usage) amount() string {
	if !u.Known {
		return "not known: this system has no /proc"
	}
	return number(u.Value) + " " + u.Unit
}

func (u usage) verdict() string {
	switch {
	case u.Goal == 0:
		return ""
	case !u.Known:
		return fmt.Sprintf("goal ≤ %g", u.Goal)
	case u.Value <= u.Goal:
		return fmt.Sprintf("goal ≤ %g: met", u.Goal)
	}
	return fmt.Sprintf("goal ≤ %g: missed", u.Goal)
}
