// Package storagefault stands before a storage endpoint and does to a share of
// the requests what storage services do now and then.
package storagefault

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Fault is what happens to a request.
type Fault string

// The faults.
const (
	Throttle  Fault = "429"        // refused: TooManyRequests
	Fail      Fault = "500"        // refused: InternalError
	Busy      Fault = "503"        // refused: ServerBusy
	Hang      Fault = "hang"       // never answered
	LoseReply Fault = "lost reply" // done, but the answer is lost
	Reset     Fault = "reset"      // neither done nor answered
	CutAnswer Fault = "cut answer" // done, and the answer breaks off
)

// Faults are all of them.
func Faults() []Fault {
	return []Fault{Throttle, Fail, Busy, Hang, LoseReply, Reset, CutAnswer}
}

// Proxy passes requests on. It is safe for concurrent use.
type Proxy struct {
	server   *http.Server
	listener net.Listener
	serving  sync.WaitGroup
	target   *url.URL
	forward  *httputil.ReverseProxy
	closed   chan struct{}

	mu     sync.Mutex
	chance *rand.Rand
	share  float64
	faults []Fault
	counts map[Fault]int
}

// Start stands before endpoint, an http URL. The seed decides which requests
// faults happen to.
func Start(endpoint string, seed uint64) (*Proxy, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		listener: listener, target: target, closed: make(chan struct{}),
		chance: rand.New(rand.NewPCG(seed, 1)), counts: map[Fault]int{},
	}
	p.forward = &httputil.ReverseProxy{
		// Azurite closes idle connections after 5 s.
		Transport: &http.Transport{IdleConnTimeout: 4 * time.Second, MaxIdleConnsPerHost: 64, DisableCompression: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host
		},
		ErrorLog: log.New(io.Discard, "", 0), // clients that go away are the point
	}
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	p.serving.Go(func() { _ = p.server.Serve(listener) })
	return p, nil
}

// URL gives the endpoint as clients reach it through the proxy.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() + p.target.Path }

// Trouble has one of the faults happen to a share of the requests, between 0
// and 1.
func (p *Proxy) Trouble(share float64, faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share, p.faults = share, faults
}

// Calm has no more faults happen.
func (p *Proxy) Calm() { p.Trouble(0) }

// Counts gives how often each fault has happened.
func (p *Proxy) Counts() map[Fault]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := make(map[Fault]int, len(p.counts))
	for f, n := range p.counts {
		counts[f] = n
	}
	return counts
}

// Close ends the proxy and all requests.
func (p *Proxy) Close() error {
	close(p.closed)
	err := p.server.Close()
	p.serving.Wait()
	p.forward.Transport.(*http.Transport).CloseIdleConnections()
	return err
}

// ServeHTTP implements [http.Handler].
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch p.draw() {
	case Throttle:
		refuse(w, r, http.StatusTooManyRequests, "TooManyRequests")
	case Fail:
		refuse(w, r, http.StatusInternalServerError, "InternalError")
	case Busy:
		refuse(w, r, http.StatusServiceUnavailable, "ServerBusy")
	case Hang:
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
		panic(http.ErrAbortHandler)
	case LoseReply:
		p.forward.ServeHTTP(nowhere{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case Reset:
		panic(http.ErrAbortHandler)
	case CutAnswer:
		p.forward.ServeHTTP(&cut{ResponseWriter: w, left: 20}, r)
	default:
		p.forward.ServeHTTP(w, r)
	}
}

func (p *Proxy) draw() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.faults) == 0 || p.chance.Float64() >= p.share {
		return ""
	}
	f := p.faults[p.chance.IntN(len(p.faults))]
	p.counts[f]++
	return f
}

// refuse answers as Azure Storage does.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("x-ms-error-code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>injected</Message></Error>", code)
}

// nowhere is where lost replies go.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header       { return n.header }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// cut is an answer whose body breaks off.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
