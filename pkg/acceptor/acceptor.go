package acceptor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// Sender puts messages into the queue.
type Sender interface {
	// Send gives nil if and only if the message is in the queue for certain.
	// A message over the queue's limit gives an error with
	// [job.CodePayloadTooLarge]. Once Send has returned, nobody looks at m and
	// its body any more: they are used for the next request.
	Send(ctx context.Context, m *job.Message) error
}

// timedSender is a Sender that says how long a send may take, which saves a
// deadline where that is not longer than [Options.SendTimeout].
type timedSender interface {
	Sender
	Timeout() time.Duration
}

// Payloads stores payloads that are too large for a message.
type Payloads interface {
	// Put streams content into a new blob.
	Put(ctx context.Context, name string, content io.Reader, properties job.BlobProperties) error
	Delete(ctx context.Context, name string) error
}

// Defaults of [Options].
const (
	DefaultInlineLimit   = 200 << 10 // bytes; with its properties this fits a message of 256 KB
	DefaultSendTimeout   = 5 * time.Second
	DefaultUploadTimeout = 30 * time.Minute
	DefaultMaxInFlight   = 2048
	DefaultMaxUploads    = 64
	DefaultKeyLifetime   = 25 * time.Hour // a day, and an hour for clocks that disagree
	DefaultRetryAfter    = time.Second
)

// Options are the settings of [New]. The first five are needed.
type Options struct {
	Operations    *operation.Set
	Issuer        *job.Issuer
	Sender        Sender
	Payloads      Payloads
	StatusBaseURL string // public, absolute URL of the status service

	// Owner gives the stable id of the authenticated caller, or an error that
	// [web.ProblemOf] understands. Nil: callers are not authenticated.
	Owner func(echo.Context) (string, error)

	// RetryAfter estimates how soon a job of the operation that is accepted
	// now may be done. Nil: always [DefaultRetryAfter].
	RetryAfter func(operation string) time.Duration

	// Reservations remembers what Idempotency-Keys stand for, each for
	// KeyLifetime. Nil: a request with a key is refused.
	Reservations Reservations
	KeyLifetime  time.Duration

	Limiter *web.Limiter // how often a caller may post; nil: as often as it likes

	InlineLimit   int           // bytes of payload that travel in the message
	SendTimeout   time.Duration // for one send
	UploadTimeout time.Duration // for one claim-checked payload
	MaxInFlight   int           // requests at a time; one more is answered with 503
	MaxUploads    int           // claim-checked payloads at a time; one more is answered with 503
}

// Acceptor takes requests in. It is safe for concurrent use.
type Acceptor struct {
	options     Options
	sendsInTime bool // the Sender sees to SendTimeout itself
	maxInFlight int64
	inFlight    atomic.Int64  // requests
	uploads     chan struct{} // holds one for each upload
}

// New makes an Acceptor. Its error names the option that is wrong.
func New(opts *Options) (*Acceptor, error) {
	a := &Acceptor{options: *opts}
	o := &a.options
	if o.Operations == nil || o.Issuer == nil || o.Sender == nil || o.Payloads == nil {
		return nil, errors.New("acceptor: Operations, Issuer, Sender and Payloads are needed")
	}
	var err error
	if o.StatusBaseURL, err = web.ParseBaseURL(o.StatusBaseURL); err != nil {
		return nil, fmt.Errorf("acceptor: StatusBaseURL: %w", err)
	}
	if o.Owner == nil {
		o.Owner = func(echo.Context) (string, error) { return "", nil }
	}
	if o.RetryAfter == nil {
		o.RetryAfter = func(string) time.Duration { return DefaultRetryAfter }
	}
	o.InlineLimit = positive(o.InlineLimit, DefaultInlineLimit)
	o.SendTimeout = positive(o.SendTimeout, DefaultSendTimeout)
	o.UploadTimeout = positive(o.UploadTimeout, DefaultUploadTimeout)
	o.KeyLifetime = positive(o.KeyLifetime, DefaultKeyLifetime)
	timed, ok := o.Sender.(timedSender)
	a.sendsInTime = ok && timed.Timeout() <= o.SendTimeout
	a.maxInFlight = int64(positive(o.MaxInFlight, DefaultMaxInFlight))
	a.uploads = make(chan struct{}, positive(o.MaxUploads, DefaultMaxUploads))
	return a, nil
}

func positive[N int | time.Duration](n, byDefault N) N {
	if n <= 0 {
		return byDefault
	}
	return n
}

// Register adds the routes.
func (a *Acceptor) Register(e *echo.Echo) {
	e.GET("/api", a.list)
	e.GET("/api/:operation", a.describe)
	e.POST("/api/:operation", a.submit)
}

// enter takes a place among the requests in flight, if there is one.
func (a *Acceptor) enter() bool {
	if a.inFlight.Add(1) > a.maxInFlight {
		a.leave()
		return false
	}
	return true
}

func (a *Acceptor) leave() { a.inFlight.Add(-1) }

func (a *Acceptor) lookup(c echo.Context) (*operation.Operation, error) {
	name := c.Param("operation")
	if o, ok := a.options.Operations.Lookup(name); ok {
		return o, nil
	}
	return nil, unknownOperation(name, a.options.Operations.Names())
}
