package main

import (
	"fmt"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/builtin"
	"github.com/asyncreply/asyncreply/pkg/worker/processor"
)

// newHandlers gives each operation the handler that its processor names.
func newHandlers(operations *operation.Set) (*worker.Mux, error) {
	known := worker.NewMux()
	builtin.Register(known)
	handlers := worker.NewMux()
	for _, name := range operations.Names() {
		o, _ := operations.Lookup(name)
		switch p := o.Processor; {
		case p.HTTP != nil:
			handlers.Handle(name, processor.HTTP(*p.HTTP, nil))
		case p.Exec != nil:
			handlers.Handle(name, processor.Exec(*p.Exec, nil))
		default:
			h, ok := known.Lookup(p.Go)
			if !ok {
				return nil, fmt.Errorf("operation %s: there is no Go handler %q, only %s", name, p.Go, strings.Join(known.Names(), ", "))
			}
			handlers.Handle(name, h)
		}
	}
	return handlers, nil
}
