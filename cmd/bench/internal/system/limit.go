package system

import (
	"context"
	"os"
	"path/filepath"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/limit"
	"github.com/asyncreply/asyncreply/cmd/internal/child"
)

// StartLimit starts a server that does no more than give one answer, as a
// process of this program: the program is to serve when it is called with
// "limit", an address and the file of the answer.
func (s *System) StartLimit(ctx context.Context, name string, a limit.Answer) (*Service, error) {
	address, err := child.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.options.Logs, name+".json")
	if err := a.Save(file); err != nil {
		return nil, err
	}
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	service := &Service{Name: name, URL: "http://" + address[0], system: s}
	service.process, err = s.launch(ctx, child.Spec{
		Name: name, Path: path, Args: []string{"limit", address[0], file}, Environ: s.options.Environ,
		Ready: service.URL + limit.ReadyPath,
	})
	if err != nil {
		return nil, err
	}
	s.services = append(s.services, service)
	return service, nil
}
