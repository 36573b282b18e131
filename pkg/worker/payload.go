package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// payload streams a job's payload, from the message or from its claim check.
type payload struct {
	ctx   context.Context
	store Payloads
	blob  string

	mu     sync.Mutex
	source io.Reader // nil until opened
	closer io.Closer
	closed bool
	gone   bool
}

func newPayload(ctx context.Context, store Payloads, m *job.Message) *payload {
	p := &payload{ctx: ctx, store: store, blob: m.PayloadBlob}
	if m.PayloadBlob == "" {
		p.source = bytes.NewReader(m.Body)
	}
	return p
}

// Read implements [io.Reader]. The first one opens the claim check.
func (p *payload) Read(b []byte) (int, error) {
	if err := context.Cause(p.ctx); err != nil {
		return 0, err
	}
	source, err := p.open()
	if err != nil {
		return 0, err
	}
	return source.Read(b)
}

func (p *payload) open() (io.Reader, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errSealed
	}
	if p.source != nil {
		return p.source, nil
	}
	body, _, err := p.store.Open(p.ctx, p.blob, 0, 0)
	if errors.Is(err, job.ErrNotFound) {
		p.gone = true
		return nil, payloadMissing(err)
	}
	if err != nil {
		return nil, err
	}
	p.source, p.closer = body, body
	return body, nil
}

// missing reports whether the claim check led to nothing.
func (p *payload) missing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

func (p *payload) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.closer != nil {
		p.closer.Close()
	}
}

// payloadMissing makes err permanent, whatever a handler made of it.
func payloadMissing(err error) error {
	return Permanent(&job.Error{Code: job.CodePayloadMissing, Message: "The payload is no longer there.", Err: err})
}
