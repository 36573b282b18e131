package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// payload streams a job's payload, from the message or from its claim check.
type payload struct {
	ctx   context.Context
	store Payloads
	blob  string
	log   *slog.Logger

	mu     sync.Mutex
	source io.Reader // nil until opened
	closer io.Closer
	closed bool
	gone   bool
}

func newPayload(ctx context.Context, store Payloads, m *job.Message, log *slog.Logger) *payload {
	p := &payload{ctx: ctx, store: store, blob: m.PayloadBlob, log: log}
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

// WriteTo implements [io.WriterTo]. A payload that came in the message is
// written as it is, which saves who copies it a buffer.
func (p *payload) WriteTo(w io.Writer) (int64, error) {
	if err := context.Cause(p.ctx); err != nil {
		return 0, err
	}
	source, err := p.open()
	if err != nil {
		return 0, err
	}
	if body, ok := source.(*bytes.Reader); ok {
		return body.WriteTo(w)
	}
	return io.Copy(w, struct{ io.Reader }{p})
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
	body, err := p.openBlob()
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

// openBlob tries until the store answers, so that its being out of order uses
// up no attempt.
func (p *payload) openBlob() (io.ReadCloser, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		body, _, err := p.store.Open(p.ctx, p.blob, 0, 0)
		if err == nil || errors.Is(err, job.ErrNotFound) {
			return body, err
		}
		if p.ctx.Err() == nil {
			p.log.Warn("opening the payload failed; trying again", "error", err)
		}
		select {
		case <-p.ctx.Done():
			return nil, context.Cause(p.ctx)
		case <-time.After(pause):
		}
	}
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
