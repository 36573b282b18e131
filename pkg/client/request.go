package client

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxKey is the longest Idempotency-Key that a service takes, in bytes.
const maxKey = 255

// Request is what a job is asked to do.
type Request struct {
	Operation   string
	Parameters  url.Values // of the operation, as its query string
	ContentType string     // of the payload; "": application/octet-stream

	// Body is the payload; nil: an empty one. It is streamed. One that is an
	// [io.Seeker], as files and the readers of bytes and strings are, is sent
	// again from where it stood if need be; any other only if it is short.
	// It is not closed, and nobody reads it after [Client.Submit] has returned;
	// a Read in progress is waited for, even when the context has ended.
	Body io.Reader

	// GetBody, if set, gives the payload anew for each try, in place of Body.
	GetBody func() (io.ReadCloser, error)

	// IdempotencyKey makes all requests of this caller to this operation that
	// carry it one job: up to 255 printable ASCII characters. "": a random one
	// for each Submit.
	IdempotencyKey string

	// NoIdempotencyKey sends none, to services that know of none. Then few
	// failures can be retried.
	NoIdempotencyKey bool
}

// JSON makes a request whose payload is value as JSON.
func JSON(operation string, value any) (*Request, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return &Request{Operation: operation, ContentType: "application/json", Body: bytes.NewReader(text)}, nil
}

// header gives what is sent beside the payload.
func (r *Request) header() (http.Header, error) {
	header := http.Header{}
	if r.ContentType != "" {
		header.Set("Content-Type", r.ContentType)
	}
	if r.NoIdempotencyKey {
		return header, nil
	}
	key := r.IdempotencyKey
	if key == "" {
		key = rand.Text()
	}
	unprintable := func(c rune) bool { return c < ' ' || c > '~' }
	if len(key) > maxKey || strings.ContainsFunc(key, unprintable) {
		return nil, errors.New("client: an Idempotency-Key has up to 255 characters, of printable ASCII")
	}
	// A string of RFC 8941, section 3.3.3.
	header.Set("Idempotency-Key", `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key)+`"`)
	return header, nil
}
