package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const (
	pathAlive = "/healthz"
	pathReady = "/readyz"
)

// Check asks one dependency whether it would serve now.
type Check struct {
	Name string
	Func func(ctx context.Context) error
}

// HealthOptions are the settings of [NewHealth]. The zero value is usable.
type HealthOptions struct {
	Timeout  time.Duration // for all checks together, default 2 s
	CacheFor time.Duration // how long an answer stands, default 1 s
	Logger   *slog.Logger  // hears of each change; nil: none
}

// Health answers GET /healthz, the process is alive, and GET /readyz, it can
// do its work: every dependency answers and it is not stopping.
type Health struct {
	options  HealthOptions
	checks   []*runningCheck
	draining atomic.Bool

	mu      sync.Mutex
	asked   time.Time
	failing []string
}

// NewHealth makes a Health that is ready while all checks succeed.
func NewHealth(opts *HealthOptions, checks ...Check) *Health {
	h := &Health{}
	if opts != nil {
		h.options = *opts
	}
	if h.options.Timeout <= 0 {
		h.options.Timeout = 2 * time.Second
	}
	if h.options.CacheFor <= 0 {
		h.options.CacheFor = time.Second
	}
	if h.options.Logger == nil {
		h.options.Logger = slog.New(slog.DiscardHandler)
	}
	for _, check := range checks {
		h.checks = append(h.checks, &runningCheck{Check: check, slot: make(chan struct{}, 1)})
	}
	return h
}

// Register adds the two routes.
func (h *Health) Register(e *echo.Echo) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Add(method, pathAlive, h.alive)
		e.Add(method, pathReady, h.ready)
	}
}

// Drain makes the service not ready for good, because it is stopping.
func (h *Health) Drain() { h.draining.Store(true) }

func (h *Health) alive(c echo.Context) error { return answerHealth(c, "alive") }

func (h *Health) ready(c echo.Context) error {
	if h.draining.Load() {
		return notReady("The service is stopping.", "shutdown")
	}
	if failing := h.Failing(); len(failing) > 0 {
		return notReady("Not ready: "+strings.Join(failing, ", ")+".", failing...)
	}
	return answerHealth(c, "ready")
}

func notReady(detail string, failing ...string) *Problem {
	return NewProblem(job.CodeServerBusy, detail).With("failing", failing)
}

func answerHealth(c echo.Context, status string) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, map[string]string{"status": status})
}

// Failing runs the checks, unless it did so a moment ago, and names those
// that failed or did not answer in time.
func (h *Health) Failing() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) < h.options.CacheFor {
		return h.failing
	}
	// Not the probe's context: one that gives up must not decide for others.
	ctx, cancel := context.WithTimeout(context.Background(), h.options.Timeout)
	defer cancel()
	failing := h.run(ctx)
	if was, is := strings.Join(h.failing, ", "), strings.Join(failing, ", "); was != is {
		h.options.Logger.Info("readiness changed", "failing", is, "before", was)
	}
	h.failing, h.asked = failing, time.Now()
	return failing
}

func (h *Health) run(ctx context.Context) []string {
	results := make([]<-chan error, len(h.checks))
	for i, check := range h.checks {
		results[i] = check.start(ctx)
	}
	var failing []string
	for i, check := range h.checks {
		if err := await(ctx, results[i]); err != nil {
			failing = append(failing, check.Name)
			h.options.Logger.Debug("check failed", "check", check.Name, "error", err)
		}
	}
	return failing
}

// await prefers a result that is there to the end of ctx.
func await(ctx context.Context, result <-chan error) error {
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-result:
		return err
	default:
		return ctx.Err()
	}
}

// runningCheck runs a check at most once at a time, so that one that does not
// heed its context holds one goroutine and no more.
type runningCheck struct {
	Check
	slot chan struct{}
}

func (r *runningCheck) start(ctx context.Context) <-chan error {
	result := make(chan error, 1)
	select {
	case r.slot <- struct{}{}:
	default:
		result <- context.DeadlineExceeded
		return result
	}
	go func() {
		defer func() { <-r.slot }()
		result <- r.Func(ctx)
	}()
	return result
}
