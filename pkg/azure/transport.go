package azure

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	connectTimeout = 3 * time.Second
	// idleTimeout is below the 4 minutes after which Azure's load balancers
	// forget a connection.
	idleTimeout = 90 * time.Second
	// azuriteIdleTimeout is below the 5 seconds after which Azurite closes one.
	azuriteIdleTimeout = 4 * time.Second
)

func newHTTPTransport(concurrency int, plainHTTP bool) *http.Transport {
	idle := idleTimeout
	if plainHTTP {
		idle = azuriteIdleTimeout
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   connectTimeout,
		MaxIdleConns:          2 * concurrency, // Blob and Table
		MaxIdleConnsPerHost:   concurrency,
		IdleConnTimeout:       idle,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // a blob is what its bytes are
	}
}

// transport makes requests and ends those on which nothing moves any more. A
// time limit for the whole would not do: a blob may be large.
type transport struct {
	client *http.Client
	stall  time.Duration
	clock  clock
}

// Do implements azcore's policy.Transporter.
func (t *transport) Do(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	w := &watchdog{stall: t.stall, cancel: cancel}
	w.timer = time.AfterFunc(t.stall, func() { cancel(errStalled) })
	request = request.WithContext(ctx)
	if request.Body != nil && request.Body != http.NoBody {
		request.Body = &watched{ReadCloser: request.Body, ctx: ctx, watchdog: w}
	}
	response, err := t.client.Do(request)
	if err != nil {
		w.stop()
		return nil, stalledOr(ctx, err)
	}
	w.timer.Stop()
	t.clock.observe(response.Header, time.Now())
	response.Body = &watched{ReadCloser: response.Body, ctx: ctx, watchdog: w, last: true}
	return response, nil
}

// watchdog ends a request that makes no progress.
type watchdog struct {
	stall  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (w *watchdog) reset() { w.timer.Reset(w.stall) }

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// watched is a body whose movement is progress. The time its reader takes
// between reads does not count.
type watched struct {
	io.ReadCloser
	ctx      context.Context
	watchdog *watchdog
	last     bool // the request ends with this body
}

func (b *watched) Read(p []byte) (int, error) {
	b.watchdog.reset()
	n, err := b.ReadCloser.Read(p)
	if b.last {
		b.watchdog.timer.Stop()
	} else {
		b.watchdog.reset()
	}
	if err != nil && err != io.EOF {
		err = stalledOr(b.ctx, err)
	}
	return n, err
}

func (b *watched) Close() error {
	if b.last {
		defer b.watchdog.stop()
	}
	return b.ReadCloser.Close()
}

// stalledError is a time-out, which the SDKs try again after.
type stalledError struct{}

var errStalled net.Error = stalledError{}

func (stalledError) Error() string   { return "the connection stalled" }
func (stalledError) Timeout() bool   { return true }
func (stalledError) Temporary() bool { return true }

func stalledOr(ctx context.Context, err error) error {
	if context.Cause(ctx) == errStalled {
		return errStalled
	}
	return err
}
