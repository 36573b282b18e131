package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/telemetry/telemetrytest"
)

// TestTelemetry states that the message carries the trace on below the span of
// the POST, which a collector is told of, and that a stop sends what is left.
func TestTelemetry(t *testing.T) {
	broker := localazuretest.Broker(t, nil)
	collector := telemetrytest.NewCollector(t)
	settings := environment(t, broker)
	settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.URL()
	r := start(t, settings)
	r.await("/readyz", http.StatusOK)
	response, text := r.request(http.MethodPost, "/api/anything", strings.NewReader("payload"))
	if response.StatusCode != http.StatusAccepted {
		t.Fatalf("answered %s: %s", response.Status, text)
	}
	r.stop()
	if err := receive(t, r.done); err != nil {
		t.Errorf("run = %v", err)
	}
	m := next(t, broker.ConnectionString())
	posts := collector.Spans("POST /api/{operation}")
	if len(posts) != 1 || collector.Count("asyncreply.requests.accepted") != 1 {
		t.Fatalf("told %+v", posts)
	}
	post := posts[0]
	if want := "00-" + post.Trace + "-" + post.ID + "-01"; m.ApplicationProperties["traceparent"] != want || response.Header.Get("Traceparent") != want {
		t.Errorf("the message carries %v, the answer %s, want %s", m.ApplicationProperties["traceparent"], response.Header.Get("Traceparent"), want)
	}
	if post.Service != "acceptor" || post.Attributes["RequestGUID"] != m.MessageID || post.Attributes["asyncreply.operation"] != "anything" {
		t.Errorf("told %+v", post)
	}
}
