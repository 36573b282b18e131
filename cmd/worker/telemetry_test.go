package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/telemetry/telemetrytest"
)

// TestTelemetry states that a collector is told of each attempt as a span below
// the one that sent the message, that backends are called below it, and that a
// stop sends what is left.
func TestTelemetry(t *testing.T) {
	var called string // the trace that the backend was called in
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = r.Header.Get("Traceparent")
	}))
	defer backend.Close()
	collector := telemetrytest.NewCollector(t)
	environment := environment(t, localazuretest.Broker(t, nil), `
operations:
  call: {processor: {http: {url: "`+backend.URL+`"}}}
  customer: {processor: {go: customer}}
`)
	environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.URL()
	r := start(t, environment)
	c := newCaller(t, environment)
	m := c.message("call", "x")
	m.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	c.send(m)
	c.until(m.ID, job.StatusSucceeded)
	c.until(c.submit("customer", "no JSON"), job.StatusFailed)
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("run: %v", err)
	}
	calls, failures := collector.Spans("process call"), collector.Spans("process customer")
	if len(calls) != 1 || len(failures) != 1 {
		t.Fatalf("told %+v and %+v", calls, failures)
	}
	one := calls[0]
	if one.Trace != m.TraceParent[3:35] || one.Parent != m.TraceParent[36:52] || one.Service != "worker" || one.Attributes["RequestGUID"] != m.ID.String() || one.Failed {
		t.Errorf("told %+v", one)
	}
	if want := "00-" + one.Trace + "-" + one.ID + "-01"; called != want {
		t.Errorf("the backend was called with %s, want %s", called, want)
	}
	if failed := failures[0]; !failed.Failed || failed.Attributes["error.type"] == "" || failed.Parent != "" {
		t.Errorf("told %+v", failed)
	}
	for metric, want := range map[string]uint64{"asyncreply.queue.wait": 2, "asyncreply.attempt.duration": 2, "asyncreply.job.duration": 2} {
		if got := collector.Count(metric); got != want {
			t.Errorf("%s: %d, want %d", metric, got, want)
		}
	}
}
