package main

import (
	"testing"

	"github.com/asyncreply/asyncreply/cmd/internal/profiling/profilingtest"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestProfilesApart states what [profilingtest.Apart] does of the acceptor.
func TestProfilesApart(t *testing.T) {
	profilingtest.Apart(t, func(t *testing.T, pprofAddr string) (string, func()) {
		settings := environment(t, localazuretest.Broker(t, nil))
		settings["PPROF_ADDR"] = pprofAddr
		r := start(t, settings)
		return r.url, func() { r.stop(); receive(t, r.done) }
	})
}
