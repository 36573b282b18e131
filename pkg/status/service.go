package status

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// Paths of the resources; links in answers are made of them too.
const (
	pathStatus     = "/api/RequestStatus/"
	pathOperations = "/api/operations/"
	pathResult     = "/result"
	pathEvents     = "/events"
)

// Service answers status requests. Make one by [New].
type Service struct {
	options Options
	links   links
	cache   *cache
	now     func() time.Time
	waiters chan struct{} // holds one for each who waits or listens

	closeOnce sync.Once
	closing   chan struct{}
}

// New makes a service. Close it when the server that it is registered with
// shuts down.
func New(opts *Options) (*Service, error) {
	o := opts.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	base, err := web.ParseBaseURL(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("status: Options.BaseURL: %w", err)
	}
	c, err := newCache(o.Records, o.CacheSize)
	if err != nil {
		return nil, err
	}
	return &Service{
		options: o,
		links:   links{base: base},
		cache:   c,
		now:     time.Now,
		waiters: make(chan struct{}, o.MaxWaiters),
		closing: make(chan struct{}),
	}, nil
}

// Register adds the service's routes.
func (s *Service) Register(e *echo.Echo) {
	get := func(path string, h echo.HandlerFunc) {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, h)
	}
	get(pathStatus+":id", s.getStatus)
	get(pathStatus+":id"+pathResult, s.getResult)
	get(pathOperations+":id", s.getOperation)
	e.GET(pathStatus+":id"+pathEvents, s.getEvents)
	e.DELETE(pathStatus+":id", s.cancel)
}

// Close ends event streams and lets those who wait for a job have their
// answer now, so that a server can drain. The service still answers.
func (s *Service) Close() { s.closeOnce.Do(func() { close(s.closing) }) }
