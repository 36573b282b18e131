//go:build failpoints

package failpoint

import (
	"encoding/json"
	"os"
	"runtime"
	"time"
)

// VitalsVariable names the file that vitals are written to.
const VitalsVariable = "FAILPOINT_VITALS"

// Vitals is how much a process holds.
type Vitals struct {
	Goroutines int    `json:"goroutines"`
	Heap       uint64 `json:"heap"` // bytes in use after a collection
}

// WatchVitals writes [Vitals] to path every second for as long as the process
// lives. With an empty path it does nothing.
func WatchVitals(path string) {
	if path == "" {
		return
	}
	go func() {
		for {
			text, _ := json.Marshal(readVitals())
			if os.WriteFile(path+".new", text, 0o600) == nil {
				_ = os.Rename(path+".new", path)
			}
			time.Sleep(time.Second)
		}
	}()
}

func readVitals() Vitals {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Vitals{Goroutines: runtime.NumGoroutine(), Heap: m.HeapAlloc}
}
