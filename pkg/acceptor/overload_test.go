package acceptor_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// ownerByHeader takes the caller's word for who it is.
func ownerByHeader(c echo.Context) (string, error) { return c.Request().Header.Get("X-Owner"), nil }

// TestInFlightIsBounded states that one request too many is answered with 503
// and Retry-After at once, and that listings go on.
func TestInFlightIsBounded(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	stuck := &stuckPayloads{entered: entered, release: release}
	s := start(t, acceptor.Options{Payloads: stuck, InlineLimit: 10, MaxInFlight: 1}, nil)
	first := make(chan answer, 1)
	go func() { first <- s.post("/api/anything", strings.NewReader("more than ten bytes")) }()
	receive(t, entered)
	got := s.post("/api/anything", strings.NewReader("small"))
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || decode[problem](t, got).Code != job.CodeServerBusy {
		t.Errorf("one too many: %s %s", got.Status, got.body)
	}
	if got := s.do(http.MethodGet, "/api", nil); got.StatusCode != http.StatusOK {
		t.Errorf("a listing: %s", got.Status)
	}
	close(release)
	if got := receive(t, first); got.StatusCode != http.StatusAccepted {
		t.Errorf("the first: %s %s", got.Status, got.body)
	}
	if got := s.post("/api/anything", strings.NewReader("small")); got.StatusCode != http.StatusAccepted {
		t.Errorf("after it: %s", got.Status)
	}
}

// TestRateLimit states that a caller over its rate is answered with 429 and
// Retry-After, whatever it asks for, and that nobody else is.
func TestRateLimit(t *testing.T) {
	sent := &queue{}
	limiter := web.NewLimiter(web.LimiterOptions{Rate: 0.001, Burst: 2})
	s := start(t, acceptor.Options{Sender: sent, Limiter: limiter, Owner: ownerByHeader}, nil)
	for range 2 {
		if got := s.post("/api/anything", nil, "X-Owner", "a"); got.StatusCode != http.StatusAccepted {
			t.Errorf("within the burst: %s", got.Status)
		}
	}
	for _, path := range []string{"/api/anything", "/api/small", "/api/nothing"} {
		got := s.post(path, nil, "X-Owner", "a")
		if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "1000" || decode[problem](t, got).Code != job.CodeTooManyRequests {
			t.Errorf("%s: %s, Retry-After %s", path, got.Status, got.Header.Get("Retry-After"))
		}
	}
	if got := s.post("/api/anything", nil, "X-Owner", "b"); got.StatusCode != http.StatusAccepted || len(sent.sent()) != 3 {
		t.Errorf("another caller: %s, %d messages", got.Status, len(sent.sent()))
	}
}
