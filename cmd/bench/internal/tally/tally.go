// Package tally stands before Table storage and counts the reads of job
// records.
package tally

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Proxy passes requests on to a table endpoint.
type Proxy struct {
	server    *http.Server
	transport *http.Transport
	endpoint  url.URL
	reads     atomic.Int64
}

// connections to storage that are kept.
const connections = 64

// Start stands before a table endpoint until Close.
func Start(endpoint string) (*Proxy, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{transport: &http.Transport{MaxIdleConnsPerHost: connections}, endpoint: *target}
	p.endpoint.Host = listener.Addr().String()
	root := &url.URL{Scheme: target.Scheme, Host: target.Host}
	p.server = &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: p.counting(&httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(root) },
			Transport: p.transport,
		}),
	}
	go p.server.Serve(listener)
	return p, nil
}

// counting counts the requests that read a record, one or many. Those of
// health checks read no job's.
func (p *Proxy) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "(") && !strings.Contains(r.URL.Path, "RowKey='ready'") {
			p.reads.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

// URL is the endpoint to use in place of the one behind the proxy.
func (p *Proxy) URL() string { return p.endpoint.String() }

// Reads gives how many reads there have been.
func (p *Proxy) Reads() int64 { return p.reads.Load() }

// Close ends it.
func (p *Proxy) Close() {
	_ = p.server.Close() // its connections end with it
	p.transport.CloseIdleConnections()
}
