package collection

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// limitBecomes waits until collections have brought the limit to what is wanted.
func limitBecomes(t *testing.T, wanted func(int64) bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !wanted(debug.SetMemoryLimit(-1)); runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("the limit is %d", debug.SetMemoryLimit(-1))
		}
	}
}

// TestPace states how garbage is collected: later than the runtime
// would while little is in use, and never without end while much is.
func TestPace(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	stop := Pace(nil)
	defer stop()
	runtime.GC()
	if limit := debug.SetMemoryLimit(-1); limit != usualMemory {
		t.Errorf("limit %d, want %d", limit, usualMemory)
	}
	held := make([]byte, 100<<20)
	limitBecomes(t, func(limit int64) bool { return limit >= 150<<20 && limit < 250<<20 })
	runtime.KeepAlive(held)
	limitBecomes(t, func(limit int64) bool { return limit == usualMemory })
	stop()
	if limit := debug.SetMemoryLimit(-1); limit != before {
		t.Errorf("limit %d afterwards, was %d", limit, before)
	}
}

// TestCollectionsAreRare states that several times as much garbage is made
// without a collection as the 4 MB that the runtime would wait for.
func TestCollectionsAreRare(t *testing.T) {
	defer Pace(nil)()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var garbage []byte
	for range 128 {
		garbage = make([]byte, 64<<10)
	}
	runtime.KeepAlive(garbage)
	runtime.ReadMemStats(&after)
	if n := after.NumGC - before.NumGC; n > 0 {
		t.Errorf("%d collections for 8 MB of garbage", n)
	}
}

// TestCollectionsAsTheEnvironmentSays states that GOGC and GOMEMLIMIT go first.
func TestCollectionsAsTheEnvironmentSays(t *testing.T) {
	for _, variable := range []string{"GOGC=50", "GOMEMLIMIT=100MiB"} {
		before := debug.SetMemoryLimit(-1)
		stop := Pace([]string{"A=b", variable})
		if limit := debug.SetMemoryLimit(-1); limit != before {
			t.Errorf("%s: limit %d, was %d", variable, limit, before)
		}
		stop()
	}
}
