package acceptor_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// memory is payloads and reservations in memory, for many requests a second.
type memory struct {
	mu           sync.Mutex
	payloads     map[string]int
	reservations map[string]job.Reservation
}

func (m *memory) Put(_ context.Context, name string, content io.Reader, _ job.BlobProperties) error {
	n, err := io.Copy(io.Discard, content)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.payloads[name] = int(n)
	return err
}

func (m *memory) Delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.payloads, name)
	return nil
}

func (m *memory) Get(_ context.Context, key string) (job.Reservation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.reservations[key]
	if !ok {
		return r, job.ErrNotFound
	}
	return r, nil
}

func (m *memory) Insert(_ context.Context, r *job.Reservation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.reservations[r.Key]; ok {
		return job.ErrExists
	}
	r.Version = "1"
	m.reservations[r.Key] = *r
	return nil
}

func (m *memory) Update(_ context.Context, r *job.Reservation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reservations[r.Key] = *r
	return nil
}

// fuzzed is an acceptor without a socket.
type fuzzed struct {
	echo   *echo.Echo
	sent   *queue
	memory *memory
	keys   *job.KeyRing
}

func newFuzzed(f *testing.F) *fuzzed {
	f.Helper()
	keys, err := job.NewKeyRing(bytes.Repeat([]byte("k"), job.MinKeyLength))
	if err != nil {
		f.Fatal(err)
	}
	set, err := operation.Parse(strings.NewReader(operations))
	if err != nil {
		f.Fatal(err)
	}
	z := &fuzzed{echo: web.New(nil), sent: &queue{}, keys: keys,
		memory: &memory{payloads: map[string]int{}, reservations: map[string]job.Reservation{}}}
	a, err := acceptor.New(&acceptor.Options{
		Operations: set, Issuer: job.NewIssuer(keys, nil), Sender: z.sent, Payloads: z.memory, Reservations: z.memory,
		StatusBaseURL: statusBaseURL, InlineLimit: 64,
	})
	if err != nil {
		f.Fatal(err)
	}
	a.Register(z.echo)
	return z
}

// serve answers one request on an acceptor that has seen none.
func (z *fuzzed) serve(r *http.Request) *httptest.ResponseRecorder {
	z.sent.messages = nil
	clear(z.memory.payloads)
	clear(z.memory.reservations)
	w := httptest.NewRecorder()
	z.echo.ServeHTTP(w, r)
	return w
}

// refusedWith are the statuses that a request may be refused with.
var refusedWith = []int{400, 404, 405, 408, 413, 414, 415, 422}

// FuzzRequest states that whatever bytes a client sends as a request, it is
// either answered with 202 and in the queue under a genuine id, or refused with
// a problem and not in the queue, and nothing of it is left; never is it a 5xx.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"POST /api/anything HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\npayload",
		"POST /api/anything?a=1&onComplete=json HTTP/1.1\r\nHost: x\r\nIdempotency-Key: \"k\"\r\nContent-Length: 0\r\n\r\n",
		"POST /api/customer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n{\"id\":\"1\",\"customername\":\"Ann\"}",
		"POST /api/customer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=\"\r\nContent-Length: 2\r\n\r\n{}",
		"POST /api/thumbnail?width=-1&width=%zz HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1\r\n\r\n\x89",
		"POST /api/anything HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nIdempotency-Key: a\r\n\r\n80\r\n" + strings.Repeat("x", 128) + "\r\n0\r\n\r\n",
		"POST /api/small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n" + strings.Repeat("x", 4095) + "\r\n0\r\n\r\n",
		"POST /api/anything HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nless",
		"POST /api/anything HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
		"POST /api/large-document HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 80\r\n\r\n[" + strings.Repeat("1,", 39) + "]",
		"POST /api/%61nything/../x HTTP/1.1\r\nHost: x\r\nPrefer: respond-async\r\ntraceparent: 00-\r\n\r\n",
		"GET /api HTTP/1.0\r\n\r\n", "PUT /api/anything HTTP/1.1\r\nHost: x\r\n\r\n", "DELETE * HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	z := newFuzzed(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		w := z.serve(request)
		if w.Code == http.StatusAccepted {
			z.checkAccepted(t, w)
			return
		}
		if len(z.sent.messages) > 0 || len(z.memory.payloads) > 0 || len(z.memory.reservations) > 0 {
			t.Errorf("answered %d, but left %v, %v, %v", w.Code, z.sent.messages, z.memory.payloads, z.memory.reservations)
		}
		if w.Code == http.StatusOK && request.Method != http.MethodPost {
			return
		}
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); request.Method != http.MethodHead && (err != nil || p.Code == "") || !slices.Contains(refusedWith, w.Code) {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

func (z *fuzzed) checkAccepted(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var body acceptor.Accepted
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if len(z.sent.messages) != 1 || z.sent.messages[0].ID != body.ID || !z.keys.Verify(body.ID, "") {
		t.Fatalf("answered %+v, queued %+v", body, z.sent.messages)
	}
	if !strings.HasPrefix(body.StatusURL, statusBaseURL+"/api/RequestStatus/"+body.ID.String()) || w.Header().Get("Location") != body.StatusURL {
		t.Errorf("Location %s, body %+v", w.Header().Get("Location"), body)
	}
	m := z.sent.messages[0]
	if m.PayloadBlob == "" != (len(z.memory.payloads) == 0) || m.PayloadBlob != "" && z.memory.payloads[m.PayloadBlob] != int(m.PayloadSize) {
		t.Errorf("queued %+v, stored %v", m, maps.Collect(maps.All(z.memory.payloads)))
	}
	var read job.Message
	if err := read.ReadProperties(m.Properties()); err != nil || read.ID != m.ID || read.Query != m.Query {
		t.Errorf("a worker reads %+v, %v", read, err)
	}
}

// FuzzIdempotencyKey states that any key is either refused or one that an
// equal request finds again, in quotes or not.
func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"a", `"a"`, `"\""`, `""`, `"a";b`, `"`, "a b", strings.Repeat("k", 256), "\x7f", `"ü"`} {
		f.Add(seed)
	}
	z := newFuzzed(f)
	f.Fuzz(func(t *testing.T, key string) {
		post := func() *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodPost, "/api/anything", strings.NewReader("payload"))
			r.Header["Idempotency-Key"] = []string{key}
			w := httptest.NewRecorder()
			z.echo.ServeHTTP(w, r)
			return w
		}
		first := z.serve(httptest.NewRequest(http.MethodGet, "/api", nil)) // forgets
		if first.Code != http.StatusOK {
			t.Fatal(first.Code)
		}
		one, two := post(), post()
		switch {
		case one.Code == http.StatusBadRequest && two.Code == http.StatusBadRequest && len(z.sent.messages) == 0:
		case one.Code == http.StatusAccepted && one.Body.String() == two.Body.String() && len(z.sent.messages) == 1:
		default:
			t.Errorf("%q: %d %s, then %d %s; %d messages", key, one.Code, one.Body, two.Code, two.Body, len(z.sent.messages))
		}
	})
}
