package worker

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Mux holds handlers by name. It is filled before it is used.
type Mux struct {
	handlers   map[string]Handler
	middleware []func(Handler) Handler
}

// NewMux makes an empty Mux.
func NewMux() *Mux { return &Mux{handlers: map[string]Handler{}} }

// Handle registers h under name. Like [net/http.ServeMux] it panics if the
// name is empty or taken, or h is nil: that is a mistake in the program.
func (m *Mux) Handle(name string, h Handler) {
	if name == "" || h == nil {
		panic("worker: Handle needs a name and a handler")
	}
	if _, ok := m.handlers[name]; ok {
		panic(fmt.Sprintf("worker: there is a handler named %q already", name))
	}
	m.handlers[name] = h
}

// HandleFunc registers a function under name, as [Mux.Handle] does.
func (m *Mux) HandleFunc(name string, f func(ctx context.Context, j *Job) error) {
	m.Handle(name, HandlerFunc(f))
}

// Use wraps every handler, whenever registered, in middleware. The first one
// given is the outermost.
func (m *Mux) Use(middleware ...func(Handler) Handler) {
	m.middleware = append(m.middleware, middleware...)
}

// Lookup finds the handler registered under name, wrapped in the middleware.
func (m *Mux) Lookup(name string) (Handler, bool) {
	h, ok := m.handlers[name]
	if !ok {
		return nil, false
	}
	for _, wrap := range slices.Backward(m.middleware) {
		h = wrap(h)
	}
	return h, true
}

// Names lists the registered names in alphabetical order.
func (m *Mux) Names() []string { return slices.Sorted(maps.Keys(m.handlers)) }
