package acceptor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/web"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// operations are what the acceptors under test offer.
const operations = `
operations:
  anything:
    description: Takes anything.
    queueTimeout: 1h
    processor: {go: anything}
  customer:
    contentTypes: [application/json]
    schema:
      type: object
      required: [id, customername]
      properties:
        id: {type: string, minLength: 1}
        customername: {type: string, minLength: 1}
    processor: {go: customer}
  small:
    maxPayload: 1KB
    processor: {go: small}
  thumbnail:
    contentTypes: [image/png, image/jpeg]
    parameters:
      width: {type: integer, minimum: 1, maximum: 4096, default: 256}
    processor: {go: thumbnail}
  large-document:
    contentTypes: [application/json]
    maxPayload: 1MB
    schema: {type: array}
    processor: {go: document}
`

// queue is a Sender that keeps what it is sent. fail, if set, decides what
// becomes of a message.
type queue struct {
	fail func(context.Context, *job.Message) error

	mu       sync.Mutex
	messages []job.Message
}

func (q *queue) Send(ctx context.Context, m *job.Message) error {
	if q.fail != nil {
		if err := q.fail(ctx, m); err != nil {
			return err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	kept := *m
	kept.Body = bytes.Clone(m.Body)
	q.messages = append(q.messages, kept)
	return nil
}

func (q *queue) sent() []job.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]job.Message(nil), q.messages...)
}

// noPayloads is a store that no test expects to be used.
type noPayloads struct{ t *testing.T }

func (p noPayloads) Put(context.Context, string, io.Reader, job.BlobProperties) error {
	p.t.Error("a payload was stored")
	return job.ErrBusy
}

func (p noPayloads) Delete(context.Context, string) error {
	p.t.Error("a payload was deleted")
	return job.ErrBusy
}

// service is an acceptor on a real socket.
type service struct {
	t    *testing.T
	url  string
	addr string
	keys *job.KeyRing
}

const statusBaseURL = "https://status.example/base"

// start serves an acceptor until the test ends. What opts leaves out is
// filled in: the operations above, a status URL, a sender that keeps, no
// payload store.
func start(t *testing.T, opts acceptor.Options, webOpts *web.Options) *service {
	t.Helper()
	s := &service{t: t}
	var err error
	if s.keys, err = job.NewKeyRing(bytes.Repeat([]byte("k"), job.MinKeyLength)); err != nil {
		t.Fatal(err)
	}
	fill(t, &opts, s.keys)
	a, err := acceptor.New(&opts)
	if err != nil {
		t.Fatal(err)
	}
	e := web.New(webOpts)
	a.Register(e)

	ctx, cancel := context.WithCancel(context.Background())
	listening, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		done <- web.Serve(ctx, &web.ServeOptions{
			Addr: "127.0.0.1:0", Handler: e, OnListening: func(addr net.Addr) { listening <- addr },
		})
	}()
	s.addr = receive(t, listening).String()
	s.url = "http://" + s.addr
	t.Cleanup(func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		if err := receive(t, done); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fill(t *testing.T, opts *acceptor.Options, keys *job.KeyRing) {
	t.Helper()
	if opts.Operations == nil {
		set, err := operation.Parse(strings.NewReader(operations))
		if err != nil {
			t.Fatal(err)
		}
		opts.Operations = set
	}
	if opts.Sender == nil {
		opts.Sender = &queue{}
	}
	if opts.Payloads == nil {
		opts.Payloads = noPayloads{t}
	}
	if opts.StatusBaseURL == "" {
		opts.StatusBaseURL = statusBaseURL
	}
	opts.Issuer = job.NewIssuer(keys, nil)
}

// receive waits for a value, but not for ever.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case value := <-c:
		return value
	case <-time.After(patience):
		t.Fatal("nothing came in time")
		panic("unreachable")
	}
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body []byte
}

// post sends body with headers given as names and values in turn. A body that
// is no *bytes.Reader or *strings.Reader is sent in chunks.
func (s *service) post(path string, body io.Reader, header ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, body, header...)
}

func (s *service) do(method, path string, body io.Reader, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response, text}
}

// decode reads a JSON answer.
func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(a.body, &value); err != nil {
		t.Fatalf("%s: %q: %v", a.Status, a.body, err)
	}
	return value
}

// problem is what the tests look at in a problem document.
type problem struct {
	Code       job.Code
	Detail     string
	Errors     []operation.Violation
	Operations []string
	MaxPayload int64
}

// chunked hides a reader's length, so that a body is sent in chunks.
type chunked struct{ io.Reader }
