package main

import "testing"

// TestGrowthIsFound tells a process that leaks from one that keeps a few
// connections.
func TestGrowthIsFound(t *testing.T) {
	fresh := map[string]vitals{"worker-1": {Goroutines: 50, Heap: 2 << 20}}
	for name, test := range map[string]struct {
		after vitals
		want  int
	}{
		"as it was":          {vitals{Goroutines: 50, Heap: 2 << 20}, 0},
		"a few connections":  {vitals{Goroutines: 80, Heap: 3 << 20}, 0},
		"goroutines stay":    {vitals{Goroutines: 150, Heap: 2 << 20}, 1},
		"memory stays":       {vitals{Goroutines: 50, Heap: 60 << 20}, 1},
		"both, told at once": {vitals{Goroutines: 500, Heap: 60 << 20}, 1},
	} {
		if got := grown(fresh, map[string]vitals{"worker-1": test.after}); len(got) != test.want {
			t.Errorf("%s: found %v, want %d findings", name, got, test.want)
		}
	}
}
