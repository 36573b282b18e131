package web_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// TestReadiness states that a service is ready while all its dependencies
// answer, and says which one does not without saying why; alive it is anyway.
func TestReadiness(t *testing.T) {
	var broken atomic.Bool
	health := web.NewHealth(&web.HealthOptions{CacheFor: time.Nanosecond},
		web.Check{Name: "queue", Func: func(context.Context) error {
			if broken.Load() {
				return errors.New("the cause")
			}
			return nil
		}},
		web.Check{Name: "payloads", Func: func(context.Context) error { return nil }},
	)
	e := web.New(nil)
	health.Register(e)
	s := start(t, e, nil)
	if got := s.get("/readyz"); got.StatusCode != 200 || got.members(t)["status"] != "ready" {
		t.Errorf("all well: %d %s", got.StatusCode, got.body)
	}
	broken.Store(true)
	got := s.get("/readyz")
	if got.StatusCode != 503 || got.members(t)["detail"] != "Not ready: queue." || !reflect.DeepEqual(got.members(t)["failing"], []any{"queue"}) {
		t.Errorf("queue gone: %d %s", got.StatusCode, got.body)
	}
	if got := s.get("/healthz"); got.StatusCode != 200 || got.members(t)["status"] != "alive" {
		t.Errorf("alive: %d %s", got.StatusCode, got.body)
	}
	broken.Store(false)
	if got := s.do(http.MethodHead, "/readyz", nil); got.StatusCode != 200 {
		t.Errorf("queue back: %d", got.StatusCode)
	}
	health.Drain()
	if got := s.get("/readyz"); got.StatusCode != 503 || got.members(t)["detail"] != "The service is stopping." {
		t.Errorf("stopping: %d %s", got.StatusCode, got.body)
	}
}

// TestChecksAreRunOnceAMoment states that probes, however many, ask the
// dependencies no more than the cache allows.
func TestChecksAreRunOnceAMoment(t *testing.T) {
	var asked atomic.Int32
	health := web.NewHealth(&web.HealthOptions{CacheFor: time.Hour}, web.Check{Name: "queue", Func: func(context.Context) error {
		asked.Add(1)
		return nil
	}})
	for range 10 {
		if failing := health.Failing(); len(failing) > 0 {
			t.Errorf("failing: %v", failing)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

// TestHangingCheck states that a dependency that does not answer, nor heed its
// context, makes the service not ready in time, costs one goroutine and is not
// blamed on the others.
func TestHangingCheck(t *testing.T) {
	release := make(chan struct{})
	var entered atomic.Int32
	returned := make(chan struct{}, 10)
	health := web.NewHealth(&web.HealthOptions{CacheFor: time.Nanosecond, Timeout: 50 * time.Millisecond},
		web.Check{Name: "stuck", Func: func(context.Context) error {
			entered.Add(1)
			defer func() { returned <- struct{}{} }()
			<-release
			return nil
		}}, web.Check{Name: "fine", Func: func(context.Context) error { return nil }})
	for range 10 {
		if failing := health.Failing(); !reflect.DeepEqual(failing, []string{"stuck"}) {
			t.Errorf("failing: %v", failing)
		}
	}
	if n := entered.Load(); n != 1 {
		t.Errorf("%d checks are stuck, want 1", n)
	}
	close(release)
	receive(t, returned)
}

// TestReadinessChangesAreLogged states that operators hear of each change
// once.
func TestReadinessChangesAreLogged(t *testing.T) {
	var log journal
	var broken atomic.Bool
	health := web.NewHealth(&web.HealthOptions{CacheFor: time.Nanosecond, Logger: log.logger()},
		web.Check{Name: "queue", Func: func(context.Context) error {
			if broken.Load() {
				return errors.New("the cause")
			}
			return nil
		}})
	for _, state := range []bool{false, true, true, false} {
		broken.Store(state)
		health.Failing()
	}
	if n := len(log.entries(t, "readiness changed")); n != 2 {
		t.Errorf("%d changes logged, want 2", n)
	}
}
