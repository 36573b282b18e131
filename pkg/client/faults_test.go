package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/client"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// idle is how long the clients under test bear with a silent connection.
const idle = 500 * time.Millisecond

// faults are what networks and proxies do to a request.
var faults = map[string]azuretest.Fault{
	"reply lost":   azuretest.LoseReply,
	"reset":        azuretest.Reset,
	"cut":          azuretest.Cut(20),
	"silence":      azuretest.Hang,
	"stall":        azuretest.Stall(20),
	"unavailable":  azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"),
	"too many":     azuretest.Answer(http.StatusTooManyRequests, "TooManyRequests"),
	"bad gateway":  azuretest.Answer(http.StatusBadGateway, ""),
	"server fault": azuretest.Answer(http.StatusInternalServerError, "InternalError"),
}

// TestOneJobEach states that a Submit is one job, however often its request
// has to be sent: payloads that fit a message and ones that do not, from
// memory, from a file, and from a stream that is short.
func TestOneJobEach(t *testing.T) {
	t.Parallel()
	large := bulk(1<<20 + 17)
	path := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(path, large, 0o600); err != nil {
		t.Fatal(err)
	}
	payloads := map[string]func(*testing.T) (body io.Reader, whole []byte){
		"small": func(*testing.T) (io.Reader, []byte) { return strings.NewReader("hello"), []byte("hello") },
		"large": func(*testing.T) (io.Reader, []byte) { return bytes.NewReader(large), large },
		"short stream": func(*testing.T) (io.Reader, []byte) {
			return unrepeatable(large[:100<<10]), large[:100<<10]
		},
		"rest of a file": func(t *testing.T) (io.Reader, []byte) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			if _, err := f.Seek(17, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			return f, large[17:]
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, nil)
			c := s.client(&client.Options{IdleTimeout: idle})
			sent := 0
			for name, payload := range payloads {
				body, whole := payload(t)
				s.acceptor.Inject(1+sent%2, isPost, fault)
				result, err := c.Do(t.Context(), &client.Request{Operation: "echo", Body: body}, nil)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				wantContent(t, result, whole)
				if sent++; s.handlers.jobs() != sent {
					t.Errorf("%s: there are %d jobs, want %d", name, s.handlers.jobs(), sent)
				}
			}
			if left := s.acceptor.Pending(); left != 0 {
				t.Errorf("%d faults did not happen", left)
			}
		})
	}
}

// TestOwnKey states that a caller's own key stands for one job across clients,
// and that another payload under it is refused.
func TestOwnKey(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	submit := func(payload string) (*client.Job, error) {
		return s.client(nil).Submit(t.Context(), &client.Request{
			Operation: "echo", Body: strings.NewReader(payload), IdempotencyKey: `invoice "7\8"`,
		})
	}
	first, err := submit("one")
	if err != nil {
		t.Fatal(err)
	}
	second, err := submit("one")
	if err != nil || second.ID() != first.ID() {
		t.Errorf("the same request again is %v, %v; want job %v", second, err, first.ID())
	}
	if _, err := submit("two"); job.CodeOf(err) != job.CodeKeyReused {
		t.Errorf("another payload gives %v", err)
	}
}

// TestUnsafeIsNotRetried states that what might count twice is sent once: a
// request without a key, unless it was not taken for certain, and a stream
// that cannot be read again.
func TestUnsafeIsNotRetried(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		request func() *client.Request
		fault   azuretest.Fault
		posts   int
		ok      bool
	}{
		"no key, reply lost": {noKey, azuretest.LoseReply, 1, false},
		"no key, busy":       {noKey, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"), 1, false},
		"no key, too many":   {noKey, azuretest.Answer(http.StatusTooManyRequests, "TooManyRequests"), 2, true},
		"long stream":        {longStream, azuretest.LoseReply, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, nil)
			s.acceptor.Inject(1, isPost, test.fault)
			_, err := s.client(nil).Submit(t.Context(), test.request())
			if posts := len(s.acceptor.Requests()); posts != test.posts || (err == nil) != test.ok {
				t.Errorf("%d requests, %v; want %d", posts, err, test.posts)
			}
		})
	}
}

func noKey() *client.Request {
	return &client.Request{Operation: "echo", Body: strings.NewReader("x"), NoIdempotencyKey: true}
}

func longStream() *client.Request {
	return &client.Request{Operation: "echo", Body: unrepeatable(bulk(1 << 20))}
}

// TestWaitThroughFaults states that a wait bears with everything that happens
// to its questions, and so do the other steps.
func TestWaitThroughFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, nil)
			c := s.client(&client.Options{IdleTimeout: idle, OnRetry: func(err error, delay time.Duration) {
				if err == nil || delay <= 0 {
					t.Errorf("retry after %v in %s", err, delay)
				}
			}})
			j, err := c.Submit(t.Context(), &client.Request{Operation: "echo", Body: strings.NewReader("hello")})
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []func() error{
				func() error { _, err := j.Wait(t.Context(), &client.WaitOptions{Hold: -1}); return err },
				func() error { _, err := j.Status(t.Context()); return err },
				func() error { _, err := j.Link(t.Context()); return err },
				func() error { _, err := j.Cancel(t.Context()); return err },
			} {
				s.status.Inject(1, nil, fault)
				if err := step(); err != nil {
					t.Error(err)
				}
			}
			if left := s.status.Pending(); left != 0 {
				t.Errorf("%d faults did not happen", left)
			}
		})
	}
}

// TestStatusServiceRestarts states that a wait that the service lets go of,
// because it stops, goes on.
func TestStatusServiceRestarts(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	j, err := s.client(nil).Submit(t.Context(), &client.Request{Operation: "held"})
	if err != nil {
		t.Fatal(err)
	}
	<-s.handlers.started
	waited := make(chan error, 1)
	go func() {
		_, err := j.Wait(t.Context(), nil)
		waited <- err
	}()
	s.service.Close()
	s.status.Inject(2, nil, azuretest.Reset) // nobody listens for a while
	s.handlers.release <- struct{}{}
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

// TestGivingUp states that retries end: a service that cannot be reached is an
// error after RetryFor, the last answer's problem where there was one.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	s.acceptor.Inject(1000, nil, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
	c := s.client(&client.Options{RetryFor: time.Second})
	began := time.Now()
	_, err := c.Submit(t.Context(), &client.Request{Operation: "echo"})
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != job.CodeServerBusy || !errors.Is(err, job.ErrBusy) {
		t.Errorf("submit gives %v", err)
	}
	if took := time.Since(began); took > 5*time.Second || len(s.acceptor.Requests()) < 2 {
		t.Errorf("gave up after %s and %d requests", took, len(s.acceptor.Requests()))
	}
	never := s.client(&client.Options{RetryFor: -1})
	if _, err := never.Submit(t.Context(), &client.Request{Operation: "echo"}); err == nil {
		t.Error("without retries there is no error")
	}
}

// TestPayloadFails states that a payload that cannot be read is the caller's
// error, at once.
func TestPayloadFails(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	broken := errors.New("disk on fire")
	for name, r := range map[string]*client.Request{
		"at once":   {Body: io.MultiReader(strings.NewReader("a"), failing{broken})},
		"later":     {Body: io.MultiReader(bytes.NewReader(bulk(2<<20)), failing{broken})},
		"not there": {GetBody: func() (io.ReadCloser, error) { return nil, broken }},
	} {
		t.Run(name, func(t *testing.T) {
			r.Operation = "echo"
			if _, err := s.client(nil).Submit(t.Context(), r); !errors.Is(err, broken) {
				t.Errorf("submit gives %v", err)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
