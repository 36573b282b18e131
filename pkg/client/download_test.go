package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/client"
)

// TestDownloadThroughFaults states that a result arrives whole through
// connections that break or go silent in the middle of it, and through a
// storage that is busy.
func TestDownloadThroughFaults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	content := bulk(3 << 20)
	j := s.done(&client.Request{Operation: "echo", Body: bytes.NewReader(content)}, nil)
	for name, fault := range map[string]azuretest.Fault{
		"cut at once":       azuretest.Cut(0),
		"cut":               azuretest.Cut(700_001),
		"stall":             azuretest.Stall(700_001),
		"reset":             azuretest.Reset,
		"busy":              azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"),
		"link out of date":  azuretest.Answer(http.StatusForbidden, "AuthenticationFailed"),
		"not found, really": nil,
	} {
		t.Run(name, func(t *testing.T) {
			if fault == nil {
				s.storage.Inject(1, isGet, azuretest.Answer(http.StatusNotFound, "BlobNotFound"))
				_, err := j.Result(t.Context())
				if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "BlobNotFound" {
					t.Errorf("result gives %v", err)
				}
				return
			}
			s.storage.Inject(1, isGet, fault)
			result, err := j.Result(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wantContent(t, result, content)
			if left := s.storage.Pending(); left != 0 {
				t.Errorf("%d faults did not happen", left)
			}
		})
	}
	t.Run("often", func(t *testing.T) {
		s.storage.Inject(4, isGet, azuretest.Cut(300_000))
		result, err := j.Result(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantContent(t, result, content)
	})
	t.Run("through the service", func(t *testing.T) {
		through, err := s.client(&client.Options{ThroughService: true, IdleTimeout: idle}).Resume(j.Token())
		if err != nil {
			t.Fatal(err)
		}
		s.status.Inject(1, func(r *http.Request) bool { return r.URL.Query().Get("onComplete") == "stream" }, azuretest.Cut(700_001))
		result, err := through.Result(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantContent(t, result, content)
	})
}

// done submits a request and waits for its job, with a client that bears no
// long silence.
func (s *system) done(r *client.Request, opts *client.Options) *client.Job {
	s.t.Helper()
	if opts == nil {
		opts = &client.Options{IdleTimeout: idle}
	}
	j, err := s.client(opts).Submit(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := j.Wait(s.t.Context(), nil); err != nil {
		s.t.Fatal(err)
	}
	return j
}

// TestLinkExpires states that a download that outlives its valet key goes on
// with a fresh one.
func TestLinkExpires(t *testing.T) {
	t.Parallel()
	s := newSystem(t, func(s *system) { s.linkLifetime = 2 * time.Second })
	content := bulk(2 << 20)
	j := s.done(&client.Request{Operation: "echo", Body: bytes.NewReader(content)}, nil)
	s.storage.Inject(1, isGet, azuretest.Cut(1_000_000))
	result, err := j.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1000)
	if _, err := io.ReadFull(result, first); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(result.ExpiresAt.Add(time.Second)))
	rest, err := io.ReadAll(result)
	if err != nil || !bytes.Equal(append(first, rest...), content) {
		t.Errorf("%d bytes, %v; want %d", len(first)+len(rest), err, len(content))
	}
}

// TestCorruptResult states that a result that is not what the worker wrote is
// never taken for whole.
func TestCorruptResult(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	content := bulk(1 << 10)
	for name, spoil := range map[string]func([]byte) []byte{
		"changed": func(b []byte) []byte { b[100]++; return b },
		"longer":  func(b []byte) []byte { return append(b, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := s.with(t)
			j := s.done(&client.Request{Operation: "echo", Body: bytes.NewReader(content)},
				&client.Options{StorageTransport: &tap{spoil: spoil}})
			result, err := j.Result(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer result.Close()
			if _, err := io.ReadAll(result); !errors.Is(err, client.ErrCorrupt) {
				t.Errorf("read gives %v", err)
			}
		})
	}
}

// TestStorageLearnsNothing states that what authenticates the caller goes to
// the services and never to storage, and that no error shows a valet key.
func TestStorageLearnsNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	storage, services := &tap{}, &tap{}
	j := s.done(&client.Request{Operation: "echo", Body: bytes.NewReader([]byte("x"))}, &client.Options{
		Prepare: func(r *http.Request) error {
			r.Header.Set("Authorization", "Bearer secret")
			r.Header.Set("X-Tenant", "secret")
			return nil
		},
		Transport: services, StorageTransport: storage, RetryFor: -1,
	})
	result, err := j.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, result, []byte("x"))
	for _, r := range services.requests {
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %s went without authorization", r.Method, r.URL.Path)
		}
	}
	for _, r := range storage.requests {
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Tenant") != "" {
			t.Errorf("storage was told %v", r.Header)
		}
	}
	s.storage.Inject(9, nil, azuretest.Reset)
	_, err = j.Result(t.Context())
	if err == nil || bytes.Contains([]byte(err.Error()), []byte("sig=")) {
		t.Errorf("without storage result gives %v", err)
	}
	if key, _ := url.Parse(result.URL); key.Query().Get("sig") == "" {
		t.Errorf("the result's URL %s has no signature", result.URL)
	}
}

// tap is a transport that keeps what passes, and may spoil what comes back.
type tap struct {
	spoil func([]byte) []byte

	mu       sync.Mutex
	requests []*http.Request
}

func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.requests = append(p.requests, r)
	p.mu.Unlock()
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || p.spoil == nil {
		return response, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(p.spoil(text)))
	return response, err
}

func (p *tap) CloseIdleConnections() { http.DefaultTransport.(*http.Transport).CloseIdleConnections() }
