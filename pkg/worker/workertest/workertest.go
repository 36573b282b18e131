// Package workertest runs a handler once, in memory, so that those who write
// handlers can test them without queue and storage.
package workertest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// Request is the job that the handler is given. The zero value is usable: a
// first attempt with an empty payload.
type Request struct {
	ID          job.ID // default: the same one always
	Operation   string
	Owner       string
	Query       string // raw query string: the operation's parameters, which nobody validates here
	ContentType string
	Payload     []byte
	Stream      io.Reader // read instead of Payload, which then says no more than the size
	Attempt     int       // default 1
	SubmittedAt time.Time // default: now
	Logger      *slog.Logger
}

// Progress is one report of progress.
type Progress struct {
	Percent float64
	Message string
}

// Outcome is what became of the job.
type Outcome struct {
	Err         error          // what the handler returned
	Verdict     worker.Verdict // what that means for the job, if it is an error
	Result      []byte
	ContentType string // of the result; "" if the handler did not begin one
	FileName    string
	Progress    []Progress // every report, in order
}

// Run calls h once and gives what it did. A panic of h is left to the test.
func Run(ctx context.Context, h worker.Handler, r Request) *Outcome {
	m := &job.Message{
		ID: cmp.Or(r.ID, job.ID{6: 0x80, 8: 0x80, 15: 1}), Operation: r.Operation, Owner: r.Owner, Query: r.Query,
		ContentType: r.ContentType, Body: r.Payload, SubmittedAt: r.SubmittedAt,
	}
	if m.SubmittedAt.IsZero() {
		m.SubmittedAt = time.Now().UTC()
	}
	memory := &memoryIO{payload: r.Stream}
	if memory.payload == nil {
		memory.payload = bytes.NewReader(r.Payload)
	}
	logger := cmp.Or(r.Logger, slog.New(slog.DiscardHandler))
	err := h.Handle(ctx, worker.NewJob(m, max(r.Attempt, 1), logger, memory))
	return memory.outcome(err)
}

// memoryIO is a [worker.IO] in memory.
type memoryIO struct {
	payload io.Reader

	mu       sync.Mutex
	made     Outcome
	result   bytes.Buffer
	finished bool
}

func (m *memoryIO) Payload() io.Reader { return m.payload }

func (m *memoryIO) Progress(percent float64, message string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made.Progress = append(m.made.Progress, Progress{Percent: percent, Message: message})
}

func (m *memoryIO) Result(contentType, fileName string) io.Writer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made.ContentType, m.made.FileName = contentType, fileName
	return m
}

// Write takes the result.
func (m *memoryIO) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.finished {
		return 0, io.ErrClosedPipe
	}
	return m.result.Write(p)
}

func (m *memoryIO) outcome(err error) *Outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.finished = true
	o := m.made
	o.Err, o.Result, o.Progress = err, slices.Clone(m.result.Bytes()), slices.Clone(o.Progress)
	if err != nil {
		o.Verdict = worker.Judge(err)
	}
	return &o
}
