package web

import (
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// LimiterOptions are the settings of [NewLimiter].
type LimiterOptions struct {
	Rate    float64 // requests a second that a caller may make on average
	Burst   int     // requests that it may make at once; default: those of two seconds
	Callers int     // callers that are remembered, default 65,536
}

// Limiter bounds how often each caller may ask. It is the generic cell rate
// algorithm (ITU-T I.371), which keeps one time for each caller: when it will
// have earned its whole burst again. A nil Limiter allows everything.
type Limiter struct {
	interval time.Duration // that earns one request
	burst    time.Duration // that earns a whole burst
	now      func() time.Time

	mu     sync.Mutex
	earned *simplelru.LRU[string, time.Time]
}

// NewLimiter makes a Limiter, nil for a rate that is not above zero.
func NewLimiter(opts LimiterOptions) *Limiter {
	if opts.Rate <= 0 {
		return nil
	}
	if opts.Burst <= 0 {
		opts.Burst = int(math.Ceil(2 * opts.Rate))
	}
	if opts.Callers <= 0 {
		opts.Callers = 1 << 16
	}
	interval := time.Duration(float64(time.Second) / opts.Rate)
	earned, _ := simplelru.NewLRU[string, time.Time](opts.Callers, nil) // fails for a size below 1 only
	return &Limiter{interval: interval, burst: time.Duration(opts.Burst) * interval, now: time.Now, earned: earned}
}

// Allow takes one from what the caller may ask and gives nil, or a 429 that
// says when to come back. Callers are told apart by their owner, without
// authentication by their address: one of IPv6 by its /64, which is what one
// subscriber has.
func (l *Limiter) Allow(c echo.Context, owner string) error {
	if l == nil {
		return nil
	}
	caller := "owner " + owner
	if owner == "" {
		caller = "address " + network(c.RealIP())
	}
	wait := l.take(caller)
	if wait <= 0 {
		return nil
	}
	seconds := strconv.Itoa(int(math.Ceil(wait.Seconds())))
	return NewProblem(job.CodeTooManyRequests, "Too many requests. Come back in "+seconds+" s.").
		WithHeader(echo.HeaderRetryAfter, seconds)
}

// take gives how long the caller has to wait for its next request, or 0 and
// takes that request.
func (l *Limiter) take(caller string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	earned, _ := l.earned.Get(caller)
	if earned.Before(now) {
		earned = now
	}
	earned = earned.Add(l.interval)
	if wait := earned.Sub(now) - l.burst; wait > 0 {
		return wait
	}
	l.earned.Add(caller, earned)
	return 0
}

// network gives the address, or the network of it, that stands for a caller.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, _ := ip.WithZone("").Prefix(64) // fits every IPv6 address
	return prefix.String()
}
