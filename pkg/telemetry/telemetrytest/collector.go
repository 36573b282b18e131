// Package telemetrytest receives telemetry as an OpenTelemetry collector does.
package telemetrytest

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is what a service tells of a piece of work.
type Span struct {
	Service    string
	Name       string
	Trace      string // hexadecimal, as in a traceparent
	ID, Parent string
	Failed     bool
	Attributes map[string]string // those that are strings
}

// Collector takes spans and metrics over OTLP/HTTP. It is safe for concurrent
// use.
type Collector struct {
	server *httptest.Server

	mu     sync.Mutex
	spans  []Span
	counts map[string]uint64
}

// NewCollector starts a collector that listens until the test ends.
func NewCollector(tb testing.TB) *Collector {
	c := &Collector{counts: map[string]uint64{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", take(tb, func() *collectortraces.ExportTraceServiceRequest {
		return new(collectortraces.ExportTraceServiceRequest)
	}, c.addTraces))
	mux.HandleFunc("POST /v1/metrics", take(tb, func() *collectormetrics.ExportMetricsServiceRequest {
		return new(collectormetrics.ExportMetricsServiceRequest)
	}, c.addMetrics))
	c.server = httptest.NewServer(mux)
	tb.Cleanup(c.server.Close)
	return c
}

// URL gives what OTEL_EXPORTER_OTLP_ENDPOINT is to be.
func (c *Collector) URL() string { return c.server.URL }

// Spans gives what was told so far of the spans of that name.
func (c *Collector) Spans(name string) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var named []Span
	for _, s := range c.spans {
		if s.Name == name {
			named = append(named, s)
		}
	}
	return named
}

// Count gives how often something was counted or measured, by the last report
// of each combination of attributes.
func (c *Collector) Count(metric string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[metric]
}

// take decodes requests of one kind.
func take[M proto.Message](tb testing.TB, empty func() M, add func(M)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(r.Body)
			if err != nil {
				tb.Error(err)
				return
			}
			body = unzipped
		}
		text, err := io.ReadAll(body)
		message := empty()
		if err == nil {
			err = proto.Unmarshal(text, message)
		}
		if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
			tb.Errorf("%s: %q: %v", r.URL, r.Header.Get("Content-Type"), err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		add(message)
		w.Header().Set("Content-Type", "application/x-protobuf") // of an empty answer
	}
}

func (c *Collector) addTraces(request *collectortraces.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range request.ResourceSpans {
		service := texts(of.Resource.Attributes)["service.name"]
		for _, scope := range of.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, Span{
					Service: service, Name: s.Name, Trace: hex.EncodeToString(s.TraceId),
					ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId),
					Failed: s.GetStatus().GetCode() == traces.Status_STATUS_CODE_ERROR, Attributes: texts(s.Attributes),
				})
			}
		}
	}
}

func (c *Collector) addMetrics(request *collectormetrics.ExportMetricsServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range request.ResourceMetrics {
		for _, scope := range of.ScopeMetrics {
			for _, m := range scope.Metrics {
				c.counts[m.Name] = count(m)
			}
		}
	}
}

func count(m *metrics.Metric) (n uint64) {
	for _, p := range m.GetSum().GetDataPoints() {
		n += uint64(p.GetAsInt())
	}
	for _, p := range m.GetHistogram().GetDataPoints() {
		n += p.Count
	}
	return n
}

func texts(attributes []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range attributes {
		if text, ok := a.Value.Value.(*common.AnyValue_StringValue); ok {
			all[a.Key] = text.StringValue
		}
	}
	return all
}
