package main

import (
	"testing"

	"github.com/asyncreply/asyncreply/cmd/internal/profiling/profilingtest"
)

// TestProfilesApart states what [profilingtest.Apart] does of the status
// service.
func TestProfilesApart(t *testing.T) {
	profilingtest.Apart(t, func(t *testing.T, pprofAddr string) (string, func()) {
		environ := environment(t)
		environ["PPROF_ADDR"] = pprofAddr
		p := start(t, environ)
		return p.url, func() { p.stop(); <-p.done }
	})
}
