package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ServeOptions are the settings of [Serve]. Handler and one of Addr and
// Listener are needed.
type ServeOptions struct {
	Addr     string       // TCP address to listen on; port 0 picks a free one
	Listener net.Listener // instead of Addr; closed by Serve
	Handler  http.Handler
	Logger   *slog.Logger // what net/http has to complain about; nil: nothing
	Health   *Health      // made not ready when the server stops, or nil

	OnListening func(net.Addr) // called once connections are accepted
	OnShutdown  func()         // called when the server stops, to end streams and long polls

	DrainDelay        time.Duration // between not ready and closing the listener, default none
	ShutdownTimeout   time.Duration // for requests in flight, default 30 s
	ReadHeaderTimeout time.Duration // default 5 s
	IdleTimeout       time.Duration // of a kept-alive connection, default 2 min
}

// Serve serves HTTP/1.1 until ctx is done, then stops as the package
// documentation says. It gives nil after a clean stop, and an error if it
// cannot listen or if requests in flight had to be cut off.
func Serve(ctx context.Context, opts *ServeOptions) error {
	o := *opts
	listener, err := o.listen()
	if err != nil {
		return err
	}
	server := o.server()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if o.OnListening != nil {
		o.OnListening(listener.Addr())
	}
	select {
	case err := <-served:
		_ = server.Close()
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	return o.stop(server, served)
}

func (o *ServeOptions) listen() (net.Listener, error) {
	if o.Listener != nil {
		return o.Listener, nil
	}
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

func (o *ServeOptions) server() *http.Server {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler:           o.Handler,
		ReadHeaderTimeout: orDefault(o.ReadHeaderTimeout, 5*time.Second),
		IdleTimeout:       orDefault(o.IdleTimeout, 2*time.Minute),
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

func orDefault(d, byDefault time.Duration) time.Duration {
	if d <= 0 {
		return byDefault
	}
	return d
}

func (o *ServeOptions) stop(server *http.Server, served <-chan error) error {
	if o.Health != nil {
		o.Health.Drain()
	}
	time.Sleep(o.DrainDelay)
	if o.OnShutdown != nil {
		o.OnShutdown()
	}
	timeout := orDefault(o.ShutdownTimeout, 30*time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests still in flight after %s were cut off", timeout)
		_ = server.Close()
	}
	<-served
	return err
}
