package main

import (
	"testing"

	"github.com/asyncreply/asyncreply/cmd/internal/profiling/profilingtest"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestProfilesApart states what [profilingtest.Apart] does of the worker and
// the address of its probes.
func TestProfilesApart(t *testing.T) {
	profilingtest.Apart(t, func(t *testing.T, pprofAddr string) (string, func()) {
		settings := environment(t, localazuretest.Broker(t, nil), "operations: {customer: {processor: {go: customer}}}")
		settings["PPROF_ADDR"] = pprofAddr
		r := start(t, settings)
		return r.url, func() { r.stop(); <-r.done }
	})
}
