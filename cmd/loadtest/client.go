package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// newTransport gives one caller what costs least per request: a connection of
// its own by HTTP/1.1, no compression, and no redirects, which a transport
// leaves alone.
func newTransport(o *options) *http.Transport {
	t := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: o.timeout}).DialContext,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   o.timeout,
		ResponseHeaderTimeout: o.timeout + o.wait,
		DisableCompression:    true,
		Protocols:             new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	if o.allowRemote {
		t.Proxy = http.ProxyFromEnvironment
	}
	return t
}

// payload is a request's body that can be sent again when it was closed.
type payload struct {
	bytes.Reader
	closed atomic.Bool
}

// Close implements [io.Closer].
func (p *payload) Close() error {
	p.closed.Store(true)
	return nil
}

// post is a POST that is sent again and again.
type post struct {
	request *http.Request
	data    []byte
	body    *payload
}

func newPost(ctx context.Context, url string, header http.Header, data []byte) (*post, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header = header
	request.ContentLength = int64(len(data))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	return &post{request: request, data: data}, nil
}

// ready gives the request with its body at the beginning. A server may answer
// before it has read all; then the transport still has the body and the
// request, and others take their places.
func (p *post) ready() *http.Request {
	if p.body == nil || !p.body.closed.Load() {
		p.body = new(payload)
		p.request = p.request.Clone(p.request.Context())
		p.request.Body = p.body
	}
	p.body.closed.Store(false)
	p.body.Reset(p.data)
	return p.request
}

// answer is what matters of a response.
type answer struct {
	status int // 0: there was none
	header http.Header
	body   []byte // of one that is not good
	err    error
}

// maxProblem bounds how much of a problem document is read.
const maxProblem = 4 << 10

// exchange sends a request and reads the whole answer.
func exchange(t *http.Transport, request *http.Request) answer {
	response, err := t.RoundTrip(request)
	if err != nil {
		return answer{err: err}
	}
	a := answer{status: response.StatusCode, header: response.Header}
	if a.status >= http.StatusBadRequest {
		a.body, err = io.ReadAll(io.LimitReader(response.Body, maxProblem))
	}
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
	}
	response.Body.Close()
	if err != nil {
		return answer{err: err}
	}
	return a
}

// sample tells what went wrong without what differs from case to case, such as
// ports and request ids.
func (a *answer) sample(what string) string {
	if a.err != nil {
		return fmt.Sprintf("%s: no answer: %s", what, cause(a.err))
	}
	text := fmt.Sprintf("%s: %d %s", what, a.status, http.StatusText(a.status))
	var problem struct{ Code, Detail string }
	if json.Unmarshal(a.body, &problem) == nil && problem.Code != "" {
		text += fmt.Sprintf(", %s: %s", problem.Code, problem.Detail)
	}
	return text
}

func cause(err error) string {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Op + ": " + e.Err.Error()
	}
	return err.Error()
}
