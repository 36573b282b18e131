package telemetry_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/telemetry"
)

// BenchmarkHandler tells what a request costs without telemetry and with it,
// what is done aside for it included, down to the collector's socket.
func BenchmarkHandler(b *testing.B) {
	accept := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://status.example/api/RequestStatus/"+guid)
		w.WriteHeader(http.StatusAccepted)
	})
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	config := telemetry.Config{Endpoint: collector.URL}
	on, err := config.Start(b.Context(), "acceptor", "v1", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = on.Close(b.Context()) }()
	for name, sent := range map[string]*telemetry.Telemetry{"off": nil, "on": on} {
		b.Run(name, func(b *testing.B) {
			served := sent.Handler(accept)
			request := httptest.NewRequest(http.MethodPost, "/api/customer", nil)
			b.ReportAllocs()
			for b.Loop() {
				served.ServeHTTP(httptest.NewRecorder(), request)
			}
		})
	}
}
