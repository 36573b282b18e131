package main

import (
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/load"
)

// TestLateRecoveryIsFound tells services that are back at work within five
// seconds from those that are not, and from those that never are.
func TestLateRecoveryIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		load.Recovery
		own  time.Duration // that a job took before the fault
		late bool
	}{
		"at once":               {load.Recovery{Accepted: time.Millisecond, Ended: time.Second, OK: true}, 0, false},
		"just in time":          {load.Recovery{Accepted: 5 * time.Second, Ended: 6 * time.Second, OK: true}, 0, false},
		"accepted late":         {load.Recovery{Accepted: 5100 * time.Millisecond, Ended: 5200 * time.Millisecond, OK: true}, 0, true},
		"done late":             {load.Recovery{Accepted: time.Second, Ended: 6100 * time.Millisecond, OK: true}, 0, true},
		"on a slow machine":     {load.Recovery{Accepted: time.Second, Ended: 8 * time.Second, OK: true}, 4 * time.Second, false},
		"accepted, never done":  {load.Recovery{Accepted: time.Second}, 0, true},
		"never accepted at all": {load.Recovery{}, 0, true},
	} {
		r := recovery{"a fault", test.Recovery, load.Recovery{Ended: test.own, OK: true}}
		if r.late() != test.late {
			t.Errorf("%s: late is %v", name, r.late())
		}
		var told strings.Builder
		tellLate(&told, []recovery{r})
		if strings.HasPrefix(told.String(), "late: a fault: ") != test.late {
			t.Errorf("%s: told %q", name, &told)
		}
	}
}

// TestClocksDiffer has in every three processes one clock right, one ahead and
// one behind, the same ones for the same seed.
func TestClocksDiffer(t *testing.T) {
	one, two := drawClocks(7, time.Minute), drawClocks(7, time.Minute)
	for range 5 {
		sum, seen := time.Duration(0), map[time.Duration]bool{}
		for range 3 {
			shift := one()
			if again := two(); again != shift {
				t.Fatalf("the same seed gives %v, then %v", shift, again)
			}
			sum += shift
			seen[shift] = true
		}
		if sum != 0 || len(seen) != 3 {
			t.Errorf("drew %v", seen)
		}
	}
}
