package resident_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/resident"
)

// TestMemoryOfAProcess states that memory shows in the process that takes it,
// that the peak stays when it is given back, and that the memory of no process
// is not known.
func TestMemoryOfAProcess(t *testing.T) {
	const taken = 64 << 20
	pid := os.Getpid()
	before := resident.Now(pid)
	memory := make([]byte, taken)
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}
	full := resident.Now(pid)
	runtime.KeepAlive(memory)
	memory = nil
	debug.FreeOSMemory()
	after, peak := resident.Now(pid), resident.Peak(pid)
	if grown := full.Since(before); !grown.Known || grown.Megabytes() < 60 {
		t.Errorf("64 MB more show as %+v", grown)
	}
	if !after.Known || after.Bytes >= full.Bytes || peak.Bytes < full.Bytes {
		t.Errorf("with 64 MB %+v, without them %+v, at most %+v", full, after, peak)
	}
	if gone := resident.Peak(1 << 30); gone.Known || gone.Since(before).Known || before.Since(gone).Known {
		t.Error("the memory of no process is known")
	}
}
