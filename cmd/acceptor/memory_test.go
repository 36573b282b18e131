package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestReserve states that much more garbage is allocated without a collection
// than the 4 MB that the runtime would allow. (It begins somewhat early.)
func TestReserve(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer reserve()()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var garbage []byte
	for range reserved / 2 / (64 << 10) {
		garbage = make([]byte, 64<<10)
	}
	runtime.KeepAlive(garbage)
	runtime.ReadMemStats(&after)
	if n := after.NumGC - before.NumGC; n > 0 {
		t.Errorf("%d collections", n)
	}
}
