// Package azuretest does to storage clients what networks and services do to
// them now and then.
package azuretest

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Proxy stands before a storage endpoint and passes requests on, except for
// those that a [Fault] happens to. It is safe for concurrent use.
type Proxy struct {
	server  *httptest.Server
	target  *url.URL
	forward *httputil.ReverseProxy
	closed  chan struct{}

	mu       sync.Mutex
	faults   []*planned
	requests []string
}

// Fault is something that happens to a request in place of, or after, its being
// passed on.
type Fault func(p *Proxy, w http.ResponseWriter, r *http.Request)

// planned is a fault that will happen.
type planned struct {
	fault   Fault
	matches func(*http.Request) bool
	left    int
}

// NewProxy starts a proxy before endpoint, an http URL, for as long as the test
// runs.
func NewProxy(tb testing.TB, endpoint string) *Proxy {
	tb.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	transport := &http.Transport{IdleConnTimeout: 4 * time.Second}
	p := &Proxy{target: target, closed: make(chan struct{})}
	p.forward = &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host
		},
		ErrorLog: log.New(io.Discard, "", 0), // clients that go away are the point
	}
	p.server = httptest.NewServer(p)
	tb.Cleanup(func() {
		close(p.closed)
		p.server.Close()
		transport.CloseIdleConnections()
	})
	return p
}

// URL gives the endpoint as clients reach it through the proxy.
func (p *Proxy) URL() string { return p.server.URL + p.target.Path }

// Inject has a fault happen to the next times requests for which matches is
// true; a nil matches is true for all.
func (p *Proxy) Inject(times int, matches func(*http.Request) bool, fault Fault) {
	if matches == nil {
		matches = func(*http.Request) bool { return true }
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &planned{fault: fault, matches: matches, left: times})
}

// Clear has no more faults happen. Requests that hang go on hanging.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// Pending gives how many times a fault is still to happen.
func (p *Proxy) Pending() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		n += f.left
	}
	return n
}

// Requests gives method and path of each request so far.
func (p *Proxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

// ServeHTTP passes a request on unless a fault happens to it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := p.next(r); fault != nil {
		fault(p, w, r)
		return
	}
	p.forward.ServeHTTP(w, r)
}

func (p *Proxy) next(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r.Method+" "+r.URL.Path)
	for _, f := range p.faults {
		if f.left > 0 && f.matches(r) {
			f.left--
			return f.fault
		}
	}
	return nil
}

// LoseReply passes the request on, waits for the answer, and breaks the
// connection.
func LoseReply(p *Proxy, _ http.ResponseWriter, r *http.Request) {
	p.forward.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// Reset breaks the connection without passing the request on.
func Reset(*Proxy, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// Hang never answers: it waits until the client gives up.
func Hang(p *Proxy, _ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-p.closed:
	}
	panic(http.ErrAbortHandler)
}

// Answer gives a fault that refuses a request as Azure Storage does.
func Answer(status int, code string) Fault {
	return func(_ *Proxy, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("x-ms-error-code", code)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>injected</Message></Error>", code)
	}
}

// Cut gives a fault that passes a request on and breaks the connection after n
// bytes of the answer's body.
func Cut(n int) Fault { return shorten(n, func(*Proxy, *http.Request) {}) }

// Stall gives a fault that passes a request on and lets the connection go
// silent after n bytes of the answer's body.
func Stall(n int) Fault {
	return shorten(n, func(p *Proxy, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
	})
}

func shorten(n int, then func(*Proxy, *http.Request)) Fault {
	return func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.forward.ServeHTTP(&limited{ResponseWriter: w, left: n, end: func() {
			_ = http.NewResponseController(w).Flush()
			then(p, r)
			panic(http.ErrAbortHandler)
		}}, r)
	}
}

// limited is a response that ends early.
type limited struct {
	http.ResponseWriter
	left int
	end  func()
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) < l.left {
		l.left -= len(p)
		return l.ResponseWriter.Write(p)
	}
	_, _ = l.ResponseWriter.Write(p[:l.left])
	l.end()
	return 0, io.ErrShortWrite
}
