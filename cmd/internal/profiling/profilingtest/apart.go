// Package profilingtest holds services to what they promise of their profiles.
package profilingtest

import (
	"net"
	"net/http"
	"testing"
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
		address := freeAddress(t)
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
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != status {
		t.Errorf("%s answers %s, want %d", url, response.Status, status)
	}
}

// freeAddress gives one that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
