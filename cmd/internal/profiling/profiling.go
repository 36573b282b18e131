// Package profiling serves the profiles of a service on a listener of their
// own, if the service is told to: whoever can read them sees what the process
// does, so they never stand among what the service serves to its callers.
//
// The handlers are those of net/http/pprof, under /debug/pprof/. That package
// registers them in [http.DefaultServeMux] too, which no service serves.
package profiling

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// Settings is the part of a configuration that says where profiles are served.
type Settings struct {
	ProfilesAddr string `env:"PPROF_ADDR" help:"address of an own listener for profiles, as in 127.0.0.1:6060; none if empty; port 0 takes a free one"`
}

// Check gives an error for what is neither empty nor an address.
func (s *Settings) Check() error {
	if s.ProfilesAddr == "" {
		return nil
	}
	return settings.Address("PPROF_ADDR", s.ProfilesAddr)
}

const (
	mutexFraction   = 100             // one in so many waits for a mutex is recorded
	shutdownTimeout = 5 * time.Second // for answers in flight, whose profiles end at once
)

// Server serves profiles until it is closed.
type Server struct {
	stop context.CancelFunc
	done chan struct{}
}

// Start listens if an address is configured. While it does, waits for mutexes
// are recorded for the mutex profile.
func (s *Settings) Start(log *slog.Logger) (*Server, error) {
	if s.ProfilesAddr == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", s.ProfilesAddr)
	if err != nil {
		return nil, fmt.Errorf("PPROF_ADDR: %w", err)
	}
	announce(log, listener.Addr())
	ctx, stop := context.WithCancel(context.Background())
	p := &Server{stop: stop, done: make(chan struct{})}
	go p.serve(ctx, listener, log)
	return p, nil
}

// announce says where profiles are, and warns if others may reach them.
func announce(log *slog.Logger, addr net.Addr) {
	log.Info("profiles are served", "address", addr.String())
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("profiles can be read by whoever reaches their address, which is not loopback", "address", addr.String())
	}
}

func (p *Server) serve(ctx context.Context, listener net.Listener, log *slog.Logger) {
	defer close(p.done)
	before := runtime.SetMutexProfileFraction(mutexFraction)
	defer runtime.SetMutexProfileFraction(before)
	err := web.Serve(ctx, &web.ServeOptions{
		Listener: listener, Handler: endWith(ctx, handler()), Logger: log, ShutdownTimeout: shutdownTimeout,
	})
	if err != nil {
		log.Warn("serving profiles failed", "error", err)
	}
}

// Close ends profiles that are being taken, so that what was taken of them
// arrives, and stops listening. Nil has nothing to close.
func (p *Server) Close() {
	if p == nil {
		return
	}
	p.stop()
	<-p.done
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// endWith ends the contexts of requests when ctx is done.
func endWith(ctx context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		h.ServeHTTP(w, r.WithContext(own))
	})
}
