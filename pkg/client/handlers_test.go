package client_test

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// handlers do the work of the system under test, and tell of it.
type handlers struct {
	started chan *worker.Job // jobs of the operation held
	release chan struct{}    // lets one of them end

	mu   sync.Mutex
	runs map[job.ID]int // jobs that were run, by how often
}

func newHandlers() *handlers {
	return &handlers{started: make(chan *worker.Job, 16), release: make(chan struct{}), runs: map[job.ID]int{}}
}

type person struct {
	Name string `json:"name"`
}

type greeting struct {
	Text string `json:"text"`
}

func (h *handlers) mux() *worker.Mux {
	mux := worker.NewMux()
	mux.Use(h.count)
	mux.HandleFunc("echo", echo)
	mux.HandleFunc("fail", fail)
	mux.HandleFunc("held", h.held)
	mux.Handle("greet", worker.JSON(func(_ context.Context, _ *worker.Job, in person) (greeting, error) {
		return greeting{"Hello, " + in.Name}, nil
	}))
	return mux
}

func (h *handlers) count(next worker.Handler) worker.Handler {
	return worker.HandlerFunc(func(ctx context.Context, j *worker.Job) error {
		h.mu.Lock()
		h.runs[j.ID]++
		h.mu.Unlock()
		return next.Handle(ctx, j)
	})
}

// jobs gives how many jobs there were.
func (h *handlers) jobs() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.runs)
}

func echo(_ context.Context, j *worker.Job) error {
	j.SetFileName("echo.bin")
	_, err := io.Copy(j.Result(j.ContentType), j.Payload())
	return err
}

func fail(context.Context, *worker.Job) error {
	return worker.Fail(job.Failure{Code: "TooBlurred", Message: "Take it again."})
}

// held reports progress and then waits for the test.
func (h *handlers) held(ctx context.Context, j *worker.Job) error {
	j.Progress(40, "holding")
	h.started <- j
	select {
	case <-h.release:
		_, err := io.WriteString(j.Result("text/plain"), "released")
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bulk gives n bytes that differ along the way.
func bulk(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>16) ^ byte(i>>8) ^ byte(i*7)
	}
	return b
}

// once is a payload that cannot be read again.
type once struct{ io.Reader }

func unrepeatable(content []byte) io.Reader { return once{bytes.NewReader(content)} }
