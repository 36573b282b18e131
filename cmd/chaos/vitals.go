package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/check"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/storagefault"
)

// vitals is how much a process holds, as it tells itself (package failpoint).
type vitals struct {
	Goroutines int
	Heap       uint64 // bytes
}

// What a process at rest may hold more than a new one: connections that are
// kept for a while, caches.
const (
	moreGoroutines = 64
	moreHeap       = 32 << 20
)

// Times after which vitals are worth reading.
const (
	birth = 1500 * time.Millisecond // they are written every second
	rest  = 6 * time.Second         // idle connections of callers and to storage live for 4
)

// vitals gives what each process holds when nothing was asked of it for a
// while.
func (s *system) vitals(ctx context.Context, while time.Duration) map[string]vitals {
	select {
	case <-ctx.Done():
	case <-time.After(while):
	}
	all := map[string]vitals{}
	for _, p := range s.all() {
		text, err := os.ReadFile(filepath.Join(s.dir, p.Name+".json"))
		if err != nil {
			continue // a service without failpoints
		}
		var v vitals
		if json.Unmarshal(text, &v) == nil {
			all[p.Name] = v
		}
	}
	return all
}

// rested gives what each process holds at rest. What is merely slow to be given
// back, such as connections that were given up, has the time that jobs have.
func (s *system) rested(ctx context.Context, fresh map[string]vitals) map[string]vitals {
	after := s.vitals(ctx, rest)
	for began := time.Now(); len(grown(fresh, after)) > 0 && time.Since(began) < s.settle && ctx.Err() == nil; {
		s.say(fmt.Sprintf("not at rest yet: %v", grown(fresh, after)))
		after = s.vitals(ctx, rest)
	}
	return after
}

// findGrown finds the processes that hold more than they should. The log gets
// to know what their goroutines do; the processes have ended then.
func (s *system) findGrown(fresh, rested map[string]vitals) []check.Finding {
	findings := grown(fresh, rested)
	for _, p := range s.all() {
		if slices.ContainsFunc(findings, func(f check.Finding) bool { return f.ID == p.Name }) {
			p.Dump()
		}
	}
	return findings
}

func grown(fresh, rested map[string]vitals) (findings []check.Finding) {
	for name, after := range rested {
		before := fresh[name]
		if after.Goroutines > before.Goroutines+moreGoroutines || after.Heap > before.Heap+moreHeap {
			what := fmt.Sprintf("at rest it holds %d goroutines and %d bytes; when it was new, %d and %d",
				after.Goroutines, after.Heap, before.Goroutines, before.Heap)
			findings = append(findings, check.Finding{ID: name, Kind: "process", What: what})
		}
	}
	return findings
}

func (s *system) storageFaults() map[storagefault.Fault]int {
	counts := s.blobs.Counts()
	for f, n := range s.tables.Counts() {
		counts[f] += n
	}
	return counts
}
