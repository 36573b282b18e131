package main

import (
	"context"
	"fmt"
	"net"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// checks are what the worker cannot do without.
func (s *service) checks() []web.Check {
	return []web.Check{
		{Name: "queue", Func: s.queue.Ready},
		{Name: "records", Func: s.records.Ready},
		{Name: "payloads", Func: makeContainer(s.blobs.Payloads())},
		{Name: "results", Func: makeContainer(s.blobs.Results())},
	}
}

// probes answers /healthz and /readyz.
type probes struct {
	cancel context.CancelFunc
	done   chan error
}

// startProbes listens if an address is configured. When ctx is done the
// worker is no longer ready, but alive until it has stopped.
func (s *service) startProbes(ctx context.Context) (*probes, error) {
	p := &probes{cancel: func() {}, done: make(chan error, 1)}
	if s.cfg.HealthAddr == "" {
		p.done <- nil
		return p, nil
	}
	listener, err := net.Listen("tcp", s.cfg.HealthAddr)
	if err != nil {
		return nil, fmt.Errorf("WORKER_HEALTH_ADDR: %w", err)
	}
	health := web.NewHealth(&web.HealthOptions{Logger: s.log}, s.checks()...)
	context.AfterFunc(ctx, health.Drain)
	e := web.New(&web.Options{Logger: s.log})
	health.Register(e)
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	go func() {
		p.done <- web.Serve(serving, &web.ServeOptions{Listener: listener, Handler: e, Logger: s.log, Health: health})
	}()
	s.log.Info("listening", "address", listener.Addr().String(), "version", version)
	return p, nil
}

func (p *probes) stop() error {
	p.cancel()
	return <-p.done
}
