// Package profilingtest holds services to what they promise of their profiles.
package profilingtest

import (
	"net"
	"net/http"
	"testing"

	"github.com/asyncreply/asyncreply/cmd/internal/child"
)

// Start starts a service whose PPROF_ADDR is the given address. It gives the
// URL that others know the service by, and what ends the service.
type Start func(t *testing.T, pprofAddr string) (url string, stop func())

// Apart states that a service serves profiles only if PPROF_ADDR is set, then
// at that address and never at the one that others know, and no longer than
// the service runs.
func Apart(t *testing.T, start Start) {
	t.Run("off", func(t *testing.T) {
		url, stop := start(t, "")
		defer stop()
		answers(t, url+"/debug/pprof/", http.StatusNotFound)
	})
	t.Run("on", func(t *testing.T) {
		free, err := child.FreeAddresses(1)
		if err != nil {
			t.Fatal(err)
		}
		address := free[0]
		url, stop := start(t, address)
		answers(t, url+"/debug/pprof/", http.StatusNotFound)
		answers(t, "http://"+address+"/debug/pprof/", http.StatusOK)
		stop()
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			t.Error("profiles outlive their service")
		}
	})
}

func answers(t *testing.T, url string, status int) {
	t.Helper()
	if got, _ := Get(t, url); got != status {
		t.Errorf("%s answers %d, want %d", url, got, status)
	}
}
