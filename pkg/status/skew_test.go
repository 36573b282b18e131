package status_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/status"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// TestIDsOfAnotherClock states that a job is pending, and neither unknown,
// expired nor gone, though the acceptor's clock is ten minutes ahead, or ten
// behind and ours ten ahead.
func TestIDsOfAnotherClock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, age := range []time.Duration{-20 * time.Minute, -10 * time.Minute, operation.DefaultQueueTimeout + 20*time.Minute} {
		id := f.issue(age)
		for _, path := range []string{statusPath(id), operationPath(id), statusPath(id) + "?onPending=accepted"} {
			a := f.get(path)
			want := http.StatusAccepted
			if path == operationPath(id) {
				want = http.StatusOK
			}
			a.wantStatus(t, want)
			if a.Header.Get("Retry-After") == "" {
				t.Errorf("%v, %s: no Retry-After", age, path)
			}
		}
	}
}

// TestRateLimit states that a caller over its rate is answered with 429 and
// Retry-After before anything is looked up, which pollers take for "later".
func TestRateLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *status.Options) {
		o.Limiter = web.NewLimiter(web.LimiterOptions{Rate: 0.001, Burst: 2})
	})
	id := f.issue(0)
	f.get(statusPath(id)).wantStatus(t, http.StatusAccepted)
	f.get(operationPath(id)).wantStatus(t, http.StatusOK)
	for _, a := range []answer{f.get(statusPath(id)), f.get(statusPath(id) + "/events"), f.do(http.MethodDelete, statusPath(id))} {
		a.wantStatus(t, http.StatusTooManyRequests)
		a.wantHeader(t, "Retry-After", "1000")
	}
}
