package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestNotReadyBeforeDeaf keeps the promise that a stopping acceptor tells new
// connections that it is not ready, and still takes requests in, until load
// balancers have had DRAIN_DELAY to notice; only then is nobody listening.
func TestNotReadyBeforeDeaf(t *testing.T) {
	settings := environment(t, localazuretest.Broker(t, nil))
	settings["DRAIN_DELAY"] = "500ms"
	r := start(t, settings)
	r.await("/readyz", http.StatusOK)
	strangers := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	r.stop()
	stopped, notReady := time.Now(), 0
	for {
		response, err := strangers.Get(r.url + "/readyz")
		if err != nil {
			break // nobody listens any more
		}
		response.Body.Close()
		switch {
		case response.StatusCode == http.StatusServiceUnavailable:
			notReady++
		case notReady > 0:
			t.Fatalf("ready again: %s", response.Status)
		}
		if response, err := strangers.Post(r.url+"/api/anything", "text/plain", strings.NewReader("x")); err == nil {
			response.Body.Close()
			if response.StatusCode != http.StatusAccepted {
				t.Errorf("a request before the listener closed got %s", response.Status)
			}
		}
	}
	if took := time.Since(stopped); notReady == 0 || took < 500*time.Millisecond {
		t.Errorf("deaf after %v, not ready seen %d times before", took, notReady)
	}
	if err := receive(t, r.done); err != nil {
		t.Errorf("run = %v", err)
	}
}
