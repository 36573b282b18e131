package main

import (
	"net/http"
	"testing"
	"time"
)

// TestNotReadyBeforeDeaf keeps the promise that a stopping status service
// tells new connections that it is not ready, and still answers, until load
// balancers have had DRAIN_DELAY to notice; only then is nobody listening.
func TestNotReadyBeforeDeaf(t *testing.T) {
	environ := environment(t)
	environ["DRAIN_DELAY"] = "500ms"
	makeContainer(t, environ)
	p := start(t, environ)
	path := p.url + "/api/RequestStatus/" + issue(t, 0).String()
	strangers := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	if response, body := get(t, p.url+"/readyz"); response.StatusCode != http.StatusOK {
		t.Fatalf("before the stop: %s %s", response.Status, body)
	}
	p.stop()
	stopped, notReady := time.Now(), 0
	for {
		response, err := strangers.Get(p.url + "/readyz")
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
		if response, err := strangers.Get(path); err == nil {
			response.Body.Close()
			if response.StatusCode != http.StatusAccepted {
				t.Errorf("a poll before the listener closed got %s", response.Status)
			}
		}
	}
	if took := time.Since(stopped); notReady == 0 || took < 500*time.Millisecond {
		t.Errorf("deaf after %v, not ready seen %d times before", took, notReady)
	}
	if err := <-p.done; err != nil {
		t.Errorf("run = %v", err)
	}
}
