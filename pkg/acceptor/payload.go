package acceptor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// discardTimeout bounds the deletion of a payload that has no message.
const discardTimeout = 2 * time.Second

// payload is what a request carries: all of it in memory, or its beginning
// and the rest that is still to be read.
type payload struct {
	in     *intake
	head   []byte
	rest   *limitedBody // or nil
	digest io.Writer    // is given what is read by reader; or nil
}

// reader gives the payload from its beginning, once.
func (p *payload) reader() io.Reader {
	var content io.Reader = bytes.NewReader(p.head)
	if p.rest != nil {
		content = io.MultiReader(content, p.rest)
	}
	if p.digest != nil {
		content = io.TeeReader(content, p.digest)
	}
	return content
}

// readPayload reads the body as far as it may be held in memory, and checks it
// if the operation has a schema.
func (a *Acceptor) readPayload(r *http.Request, in *intake, o *operation.Operation) (payload, error) {
	if r.ContentLength > o.MaxPayload {
		return payload{}, tooLarge(o)
	}
	in.body = limitedBody{source: r.Body, operation: o}
	held := int64(a.options.InlineLimit)
	if o.NeedsWholePayload() {
		held = o.MaxPayload
	}
	if r.ContentLength > held {
		return payload{in: in, rest: &in.body}, nil
	}
	ended, err := in.readUpTo(held)
	if err != nil {
		return payload{}, err
	}
	if !ended {
		return payload{in: in, head: in.buffer, rest: &in.body}, nil
	}
	return payload{in: in, head: in.buffer}, o.ValidatePayload(in.buffer)
}

// firstRead is the size of a buffer before anything has come, in bytes: what
// a peer announces is not yet worth its memory.
const firstRead = 2 << 10

// readUpTo reads the body into the buffer to its end, which it reports, or
// until more than limit bytes were read.
func (in *intake) readUpTo(limit int64) (ended bool, err error) {
	content := in.buffer[:0]
	for int64(len(content)) <= limit && err == nil {
		if len(content) == cap(content) {
			content = append(content, 0)[:len(content)]
		}
		var n int
		n, err = in.body.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
	}
	in.buffer = content
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// upload streams the payload into the payload store, under the given id, and
// leaves its claim check in m.
func (a *Acceptor) upload(ctx context.Context, m *job.Message, id job.ID, body payload) error {
	select {
	case a.uploads <- struct{}{}:
		defer func() { <-a.uploads }()
	default:
		return busy("Too many large payloads are being taken in. Try again.", nil)
	}
	ctx, cancel := context.WithTimeout(ctx, a.options.UploadTimeout)
	defer cancel()
	body.in.lent = true
	content := &countedReader{source: body.reader()}
	name := id.Day() + "/" + id.String()
	err := a.options.Payloads.Put(ctx, name, content, job.BlobProperties{ContentType: m.ContentType})
	switch {
	case body.rest != nil && body.rest.err != nil:
		err = body.rest.err // the client's fault, whatever the store made of it
	case err != nil:
		err = busy("The payload could not be stored and the request was not accepted. Try again.",
			fmt.Errorf("store payload of %s: %w", id, err))
	}
	if err != nil {
		a.discard(ctx, name)
		return err
	}
	m.PayloadBlob, m.PayloadSize = name, content.size
	return nil
}

// shortenLife takes the time since the id was issued from what the message may
// wait: the id tells the status service how long that may have been.
func shortenLife(m *job.Message) {
	m.TimeToLive -= min(max(0, time.Since(m.ID.Time())), m.TimeToLive/2)
}

// discard deletes a payload that no message will claim. Should it fail, the
// retention will take the payload with its day.
func (a *Acceptor) discard(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	_ = a.options.Payloads.Delete(ctx, name)
}

// limitedBody is a body that ends with a 413 when it is larger than its
// operation takes. It remembers the error it ended with, which a store that
// reads from it may not pass on.
type limitedBody struct {
	source    io.Reader
	operation *operation.Operation
	size      int64
	err       error
}

// Read implements [io.Reader].
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.source.Read(p)
	b.size += int64(n)
	if b.size > b.operation.MaxPayload {
		err = tooLarge(b.operation)
	}
	if err != nil && err != io.EOF {
		b.err = err
		return 0, err
	}
	return n, err
}

// countedReader counts what was read.
type countedReader struct {
	source io.Reader
	size   int64
}

// Read implements [io.Reader].
func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.source.Read(p)
	r.size += int64(n)
	return n, err
}
