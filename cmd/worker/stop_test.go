package main

import (
	"net/http"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestNotReadyBeforeDeaf keeps the promise that a stopping worker tells new
// connections that it is not ready but alive, until its last job is done; only
// then is nobody listening.
func TestNotReadyBeforeDeaf(t *testing.T) {
	environment := environment(t, localazuretest.Broker(t, nil), `
operations:
  nap: {processor: {exec: {command: [sleep, "2"]}}}
`)
	r := start(t, environment)
	c := newCaller(t, environment)
	id := c.submit("nap", "")
	c.until(id, job.StatusRunning)
	strangers := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	r.stop()
	notReady := 0
	for {
		response, err := strangers.Get(r.url + "/readyz")
		if err != nil {
			break // nobody listens any more
		}
		response.Body.Close()
		if response.StatusCode == http.StatusServiceUnavailable {
			notReady++
		} else if notReady > 0 {
			t.Fatalf("ready again: %s", response.Status)
		}
		if response, err := strangers.Get(r.url + "/healthz"); err == nil {
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("not alive while it stops: %s", response.Status)
			}
		}
	}
	if notReady == 0 {
		t.Error("deaf before it was not ready")
	}
	if err := <-r.done; err != nil {
		t.Errorf("run: %v", err)
	}
	if got := c.until(id, job.StatusSucceeded); got.Attempt != 1 {
		t.Errorf("record: %+v", got)
	}
}
