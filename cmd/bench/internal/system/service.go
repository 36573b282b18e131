package system

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
	"github.com/asyncreply/asyncreply/cmd/internal/child"
)

// Service is a process of one of the services.
type Service struct {
	Name     string
	URL      string // where it answers
	Profiles string // URL of its profiles, "" without any

	system  *System
	process *child.Child
}

// StartAcceptor starts the acceptor with more settings.
func (s *System) StartAcceptor(ctx context.Context, settings ...string) (*Service, error) {
	return s.startService(ctx, "acceptor", s.acceptor, append(settings, "LISTEN_ADDR="+s.acceptor))
}

// StartStatus starts the status service with more settings.
func (s *System) StartStatus(ctx context.Context, settings ...string) (*Service, error) {
	return s.startService(ctx, "status", s.status, append(settings, "LISTEN_ADDR="+s.status))
}

// StartWorker starts a worker with more settings.
func (s *System) StartWorker(ctx context.Context, settings ...string) (*Service, error) {
	address, err := child.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	return s.startService(ctx, "worker", address[0], append(settings, "WORKER_HEALTH_ADDR="+address[0]))
}

func (s *System) startService(ctx context.Context, name, address string, settings []string) (*Service, error) {
	service := &Service{Name: name, URL: "http://" + address, system: s}
	environ := append(slices.Clone(s.shared), settings...)
	if s.options.Profiling {
		profiles, err := child.FreeAddresses(1)
		if err != nil {
			return nil, err
		}
		service.Profiles = "http://" + profiles[0] + "/debug/pprof/"
		environ = append(environ, "PPROF_ADDR="+profiles[0])
	}
	var err error
	service.process, err = s.launch(ctx, child.Spec{
		Name: name, Path: filepath.Join(s.options.Bin, name), Environ: environ, Ready: service.URL + "/readyz",
	})
	if err != nil {
		return nil, err
	}
	s.services = append(s.services, service)
	return service, nil
}

// CPU gives the processor time that the service has used.
func (v *Service) CPU() cpu.Time { return cpu.Of(v.process.PID()) }

// PID is the number of the service's process.
func (v *Service) PID() int { return v.process.PID() }

// Stop ends the service, one that is held too.
func (v *Service) Stop() {
	_ = v.Release() // fails only if the process has ended
	v.process.Stop(stopTimeout)
	v.system.services = slices.DeleteFunc(v.system.services, func(other *Service) bool { return other == v })
}
