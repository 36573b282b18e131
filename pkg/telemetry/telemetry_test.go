package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/telemetry"
	"github.com/asyncreply/asyncreply/pkg/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start begins to send to a collector.
func start(t *testing.T, endpoint string) *telemetry.Telemetry {
	t.Helper()
	config := telemetry.Config{Endpoint: endpoint}
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	sent, err := config.Start(t.Context(), "acceptor", "v1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

// TestOff states that without an endpoint, or with one that speaks another
// protocol, there is nothing: a handler stays the one that it was.
func TestOff(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	for _, config := range []telemetry.Config{{}, {Endpoint: "http://127.0.0.1:4317", Protocol: "grpc"}} {
		if err := config.Check(); err != nil {
			t.Error(err)
		}
		none, err := config.Start(t.Context(), "acceptor", "v1", log)
		if none != nil || err != nil {
			t.Errorf("%+v: %v, %v", config, none, err)
		}
		plain := http.NewServeMux()
		if none.Handler(plain) != http.Handler(plain) {
			t.Error("the handler was wrapped")
		}
		if err := none.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(logged.String(), "\n"); n != 1 || !strings.Contains(logged.String(), "OTEL_EXPORTER_OTLP_PROTOCOL=grpc") {
		t.Errorf("logged %s", &logged)
	}
	for _, wrong := range []string{"127.0.0.1:4318", "grpc://x", "http://", "http://x?a=b"} {
		config := telemetry.Config{Endpoint: wrong}
		if err := config.Check(); err == nil || !strings.HasPrefix(err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT: ") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
	guid         = "01a1fd92-adc2-84fa-9c25-373d675ffcb4"
)

// TestOneTrace states that caller, POST and attempt are spans of one trace,
// each below the one before; that what was accepted is counted; and that a
// close sends what is left.
func TestOneTrace(t *testing.T) {
	collector := telemetrytest.NewCollector(t)
	sent := start(t, collector.URL()+"/")
	var carried string // by the message
	acceptor := httptest.NewServer(sent.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		carried = r.Header.Get("Traceparent")
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("deadlines are out of reach: %v", err)
		}
		w.Header().Set("Location", "http://status.example/api/RequestStatus/"+guid+"?onComplete=json")
		w.WriteHeader(http.StatusAccepted)
	})))
	defer acceptor.Close()
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, acceptor.URL+"/api/customer", strings.NewReader("x"))
	request.Header.Set("Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	sent.Received("customer", time.Second)
	_, attempt := sent.Begin(t.Context(), telemetry.Message{RequestGUID: guid, Operation: "customer", Attempt: 1, TraceParent: carried})
	attempt.End("")
	_, again := sent.Begin(t.Context(), telemetry.Message{RequestGUID: guid, Operation: "customer", Attempt: 2, TraceParent: carried})
	again.End("HandlerFailed")
	sent.Ended("customer", 2*time.Second)
	if err := sent.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	posts, attempts := collector.Spans("POST /api/{operation}"), collector.Spans("process customer")
	if len(posts) != 1 || len(attempts) != 2 {
		t.Fatalf("told %+v and %+v", posts, attempts)
	}
	post := posts[0]
	if post.Trace != callersTrace || post.Parent != callersSpan || post.Service != "acceptor" || post.Attributes["RequestGUID"] != guid || post.Failed {
		t.Errorf("the POST: %+v", post)
	}
	for _, a := range attempts {
		if a.Trace != callersTrace || a.Parent != post.ID || a.Attributes["RequestGUID"] != guid || a.Failed != (a.Attributes["error.type"] == "HandlerFailed") {
			t.Errorf("an attempt: %+v", a)
		}
	}
	if own := strings.Split(attempt.TraceParent, "-"); len(own) != 4 || own[1] != callersTrace || own[2] != attempts[0].ID {
		t.Errorf("handlers call with %s", attempt.TraceParent)
	}
	for metric, want := range map[string]uint64{
		"asyncreply.requests.accepted": 1, "http.server.request.duration": 1, "asyncreply.queue.wait": 1,
		"asyncreply.attempt.duration": 2, "asyncreply.job.duration": 1,
	} {
		if got := collector.Count(metric); got != want {
			t.Errorf("%s: %d, want %d", metric, got, want)
		}
	}
}

// TestPollsPassBy states that nothing but POSTs of requests is told of.
func TestPollsPassBy(t *testing.T) {
	collector := telemetrytest.NewCollector(t)
	sent := start(t, collector.URL())
	served := sent.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, request := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/api/customer", nil),
		httptest.NewRequest(http.MethodGet, "/healthz", nil),
		httptest.NewRequest(http.MethodPost, "/elsewhere", nil),
	} {
		served.ServeHTTP(httptest.NewRecorder(), request)
	}
	if err := sent.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := collector.Count("http.server.request.duration"); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestCollectorAway states that a collector that is away holds nobody up, and
// that Close ends with its context.
func TestCollectorAway(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	sent := start(t, away.URL)
	began := time.Now()
	for range 10_000 {
		_, attempt := sent.Begin(t.Context(), telemetry.Message{Operation: "customer"})
		attempt.End("")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("telling took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_ = sent.Close(ctx) // it may fail, but it ends
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("closing took %v", took)
	}
}
