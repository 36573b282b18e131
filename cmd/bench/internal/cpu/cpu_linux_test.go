package cpu_test

import (
	"os"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
)

// TestOf states that work shows in the time of the process that does it, and
// that the time of no process is not known.
func TestOf(t *testing.T) {
	before := cpu.Of(os.Getpid())
	deadline := time.Now().Add(20 * time.Second)
	for cpu.Of(os.Getpid()).Since(before).Used < 100*time.Millisecond && time.Now().Before(deadline) {
		for i := range 1_000_000 {
			_ = i * i
		}
	}
	if worked := cpu.Of(os.Getpid()).Since(before); !worked.Known || worked.Used < 100*time.Millisecond || worked.Used > 20*time.Second {
		t.Errorf("a busy process used %v", worked)
	}
	if gone := cpu.Of(1 << 30); gone.Known || gone.Plus(before).Known || gone.Since(before).Known {
		t.Error("the time of no process is known")
	}
}
