package worker

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// maxBuffered is up to what size a result is held back, to be stored in one
// request when the handler is done.
const maxBuffered = 256 << 10

// resultName gives the name of an attempt's result. The nonce makes it unique
// to this run: two runs never write the same blob.
func resultName(id job.ID, attempt int) string {
	var nonce [8]byte
	rand.Read(nonce[:]) // never fails, see crypto/rand
	return fmt.Sprintf("%s/%s/%d-%x", id.Day(), id, attempt, nonce)
}

// result takes what a handler makes. A small one is buffered, a larger one
// streams into its blob while it is written. Digest and size are counted on
// the way.
type result struct {
	running context.Context // the attempt's; nothing is taken after it has ended
	hold    context.Context
	store   Results
	name    string

	abort context.CancelFunc // ends the upload

	mu         sync.Mutex
	properties job.BlobProperties
	digest     hash.Hash
	size       int64
	buffer     bytes.Buffer
	stream     *io.PipeWriter // nil while buffering
	touched    bool           // something may have reached the store
	uploaded   chan error     // gives the upload's outcome and is closed
	err        error          // why nothing more is taken
}

func newResult(running, hold context.Context, store Results, name string) *result {
	r := &result{running: running, store: store, name: name, digest: sha256.New()}
	r.hold, r.abort = context.WithCancel(hold)
	r.properties.ContentType = "application/octet-stream"
	return r
}

func (r *result) begin(p job.BlobProperties) io.Writer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.properties = p
	return r
}

// Write implements [io.Writer].
func (r *result) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refusal(); err != nil || len(p) == 0 {
		return 0, err
	}
	r.digest.Write(p)
	r.size += int64(len(p))
	if r.stream == nil && r.buffer.Len()+len(p) <= maxBuffered {
		return r.buffer.Write(p)
	}
	if err := r.spill(); err != nil {
		r.err = err
		return 0, err
	}
	n, err := r.stream.Write(p)
	if err != nil {
		r.err = err
	}
	return n, err
}

func (r *result) refusal() error {
	if r.err != nil {
		return r.err
	}
	return context.Cause(r.running)
}

// spill starts the upload with what was buffered until now.
func (r *result) spill() error {
	if r.stream != nil {
		return nil
	}
	content, stream := io.Pipe()
	r.stream, r.touched = stream, true
	r.uploaded = make(chan error, 1)
	go func() {
		err := r.store.Put(r.hold, r.name, content, r.properties)
		content.CloseWithError(errors.Join(errUpload, err))
		r.uploaded <- err
		close(r.uploaded)
	}()
	if r.buffer.Len() == 0 {
		return nil
	}
	_, err := r.stream.Write(r.buffer.Bytes())
	r.buffer = bytes.Buffer{}
	return err
}

// errUpload is what a handler sees that writes when the upload has ended.
var errUpload error = &job.Error{Code: job.CodeServerBusy, Message: "The result could not be stored."}

// seal makes the result take no more: the handler is done.
func (r *result) seal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = errSealed
	}
}

// commit ends the upload of a streamed result, or stores a buffered one, and
// tells what is stored then. Only a buffered one can be tried again.
func (r *result) commit(ctx context.Context) (job.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != errSealed {
		return job.Result{}, r.err
	}
	put := r.putBuffer
	if r.stream != nil {
		put = r.endStream
	}
	if err := put(ctx); err != nil {
		return job.Result{}, err
	}
	return job.Result{
		Blob: r.name, Size: r.size, ContentType: r.properties.ContentType,
		SHA256: hex.EncodeToString(r.digest.Sum(nil)), FileName: r.properties.FileName,
	}, nil
}

func (r *result) putBuffer(ctx context.Context) error {
	r.touched = true
	err := r.store.Put(ctx, r.name, bytes.NewReader(r.buffer.Bytes()), r.properties)
	if errors.Is(err, job.ErrExists) {
		return nil // an earlier try whose reply was lost
	}
	return err
}

// endStream waits for the upload as long as the message is held.
func (r *result) endStream(context.Context) error {
	r.stream.Close()
	if err := <-r.uploaded; err != nil {
		r.err = errors.Join(errUpload, err)
		return r.err
	}
	return nil
}

// streamed reports whether the result went to the store while it was written.
func (r *result) streamed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream != nil
}

// discard ends the upload and removes what reached the store. What it cannot
// remove falls to retention.
func (r *result) discard(ctx context.Context) error {
	r.abort()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.touched {
		return nil
	}
	if r.stream != nil {
		r.stream.CloseWithError(context.Canceled)
		<-r.uploaded
	}
	err := r.store.Delete(ctx, r.name)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	return err
}
