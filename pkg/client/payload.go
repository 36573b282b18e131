package client

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

const (
	// maxKept is what is kept of a payload that cannot be read again, in bytes:
	// one that ends within it can be sent again all the same.
	maxKept = 256 << 10
	// askFirst is the size in bytes from which on a client asks before it sends
	// the payload (Expect: 100-continue).
	askFirst = 1 << 20
)

var errDetached = errors.New("the request is over")

// payload is what a request carries. It can be sent several times if it can be
// read again.
type payload struct {
	open  func() (io.ReadCloser, error)
	size  int64 // bytes, or -1
	once  bool  // can be read once only
	begun atomic.Bool
}

// newPayload takes a payload from a request: by GetBody, or from a Body that
// can be rewound to where it is now, or that is short.
func newPayload(r *Request) (*payload, error) {
	if r.GetBody != nil {
		return &payload{open: r.GetBody, size: -1}, nil
	}
	if r.Body == nil {
		return &payload{open: func() (io.ReadCloser, error) { return http.NoBody, nil }}, nil
	}
	if seeker, ok := r.Body.(io.Seeker); ok {
		if p, ok := seekable(r.Body, seeker); ok {
			return p, nil
		}
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, maxKept+1))
	if err != nil {
		return nil, err
	}
	if len(head) <= maxKept {
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(head)), nil }
		return &payload{open: open, size: int64(len(head))}, nil
	}
	whole := io.MultiReader(bytes.NewReader(head), r.Body)
	return &payload{open: func() (io.ReadCloser, error) { return io.NopCloser(whole), nil }, size: -1, once: true}, nil
}

// seekable makes a payload of what can be rewound. A pipe has the method to
// seek, but not the ability.
func seekable(body io.Reader, seeker io.Seeker) (*payload, bool) {
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, false
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, false
	}
	size := max(end-start, 0)
	open := func() (io.ReadCloser, error) {
		_, err := seeker.Seek(start, io.SeekStart)
		return io.NopCloser(io.LimitReader(body, size)), err
	}
	return &payload{open: open, size: size}, true
}

// safe restricts what may be sent again to what can be.
func (p *payload) safe(otherwise func(*http.Response, error) bool) func(*http.Response, error) bool {
	return func(r *http.Response, err error) bool { return !(p.once && p.begun.Load()) && otherwise(r, err) }
}

// attach gives the request the payload from its beginning.
func (x *exchange) attach(r *http.Request, p *payload) error {
	source, err := p.open()
	if err != nil {
		return err
	}
	x.payload = &upload{source: source, payload: p, exchange: x}
	r.Body, r.ContentLength = x.payload, p.size
	if p.size == 0 {
		r.Body = http.NoBody
	}
	if p.size < 0 || p.size >= askFirst {
		r.Header.Set("Expect", "100-continue")
	}
	return nil
}

// payloadError gives why the payload could not be read, if that is so.
func (x *exchange) payloadError() error {
	if x.payload == nil {
		return nil
	}
	x.payload.mu.Lock()
	defer x.payload.mu.Unlock()
	return x.payload.err
}

// upload is a payload on its way. A transport may go on reading it when the
// request is over; detach makes sure that it does not.
type upload struct {
	payload  *payload
	exchange *exchange

	mu     sync.Mutex
	source io.ReadCloser // nil when detached
	err    error         // of the source
}

// Read implements [io.Reader]. The time that the source takes is no silence of
// the connection.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.source == nil {
		return 0, errDetached
	}
	u.exchange.timer.Stop()
	u.payload.begun.Store(true)
	n, err := u.source.Read(p)
	u.exchange.timer.Reset(u.exchange.idle)
	if err != nil && err != io.EOF {
		u.err = err
	}
	return n, err
}

// Close implements [io.Closer].
func (u *upload) Close() error {
	u.detach()
	return nil
}

func (u *upload) detach() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.source != nil {
		_ = u.source.Close()
		u.source = nil
	}
}
