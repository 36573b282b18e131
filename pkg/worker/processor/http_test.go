package processor_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/processor"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// backend serves f on a socket until the test ends.
func backend(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// forward makes the handler under test; its connections end with the test.
func forward(t *testing.T, config operation.HTTP) worker.Handler {
	t.Helper()
	if config.Method == "" {
		config.Method = http.MethodPost
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return processor.HTTP(config, &processor.HTTPOptions{Transport: transport})
}

// A backend gets the payload with its length and type, the job's query behind
// its own, the operation's headers, and the names of the job.
func TestHTTPRequest(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d %v %s\n", r.Method, r.URL, r.ContentLength, r.TransferEncoding, body)
		for _, name := range []string{"Content-Type", "RequestGUID", "Idempotency-Key", "RequestAttempt", "Traceparent", "X-Api-Key", "User-Agent"} {
			fmt.Fprintf(w, "%s: %s\n", name, r.Header.Get(name))
		}
		fmt.Fprintf(w, "Host: %s\n", r.Host)
	})
	h := forward(t, operation.HTTP{URL: url + "/work?a=1", Method: "PUT", Headers: map[string]string{
		"X-Api-Key": "k", "Host": "backend.example", "user-agent": "asyncreply"}})
	id := job.ID{6: 0x80, 8: 0x80, 15: 7}
	o := workertest.Run(t.Context(), h, workertest.Request{ID: id, Query: "b=2&c=%20", ContentType: "text/csv", Payload: []byte("x,y"), Attempt: 2})
	want := "PUT /work?a=1&b=2&c=%20 3 [] x,y\n" +
		"Content-Type: text/csv\nRequestGUID: " + id.String() + "\nIdempotency-Key: " + id.String() +
		"\nRequestAttempt: 2\nTraceparent: \nX-Api-Key: k\nUser-Agent: asyncreply\nHost: backend.example\n"
	if o.Err != nil || string(o.Result) != want {
		t.Errorf("got %v\n%s\nwant\n%s", o.Err, o.Result, want)
	}
}

// The trace goes on in the backend.
func TestHTTPTraceContext(t *testing.T) {
	var got http.Header
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	m := &job.Message{ID: job.ID{15: 1}, TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: "a=b"}
	j := worker.NewJob(m, 1, slog.New(slog.DiscardHandler), brokenIO{})
	if err := forward(t, operation.HTTP{URL: url}).Handle(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if got.Get("traceparent") != m.TraceParent || got.Get("tracestate") != m.TraceState {
		t.Errorf("got %v", got)
	}
}

// A request without a payload, or with a method that has none, has no body.
func TestHTTPWithoutBody(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %v %d", r.ContentLength, r.TransferEncoding, len(body))
	})
	for method, payload := range map[string]string{"POST": "", "GET": "unsent"} {
		o := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url, Method: method}), workertest.Request{Payload: []byte(payload)})
		if o.Err != nil || string(o.Result) != "0 [] 0" {
			t.Errorf("%s: %v %s", method, o.Err, o.Result)
		}
	}
}

// The answer's body is the result, with its type and its file name's last
// part, whatever the backend says of a folder.
func TestHTTPResult(t *testing.T) {
	for disposition, want := range map[string]string{
		"": "", "attachment": "", `attachment; filename="a.pdf"`: "a.pdf",
		`attachment; filename="../../etc/a.pdf"`: "a.pdf", `attachment; filename="C:\\x\\a.pdf"`: "a.pdf", `inline; filename=".."; x`: "",
	} {
		url := backend(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/pdf")
			w.Header().Set("Content-Disposition", disposition)
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, "%PDF")
		})
		o := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{})
		if o.Err != nil || string(o.Result) != "%PDF" || o.ContentType != "application/pdf" || o.FileName != want {
			t.Errorf("%s: %v %s %s %q", disposition, o.Err, o.Result, o.ContentType, o.FileName)
		}
	}
}

// An empty answer is a result too.
func TestHTTPEmptyResult(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	o := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{Payload: []byte("x")})
	if o.Err != nil || len(o.Result) != 0 || o.ContentType != "application/octet-stream" {
		t.Errorf("%v %q %s", o.Err, o.Result, o.ContentType)
	}
}

// hashIO streams a payload of any size in and forgets the result but for its
// digest.
type hashIO struct {
	payload io.Reader
	sum     io.Writer
}

func (h hashIO) Payload() io.Reader              { return h.payload }
func (h hashIO) Progress(float64, string)        {}
func (h hashIO) Result(string, string) io.Writer { return h.sum }

// A payload and a result larger than any buffer go through unchanged, and are
// never held in memory as a whole.
func TestHTTPStreams(t *testing.T) {
	const size = 64 << 20
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != size {
			w.WriteHeader(http.StatusBadRequest)
		}
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
	})
	block := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	var reader io.Reader = &repeat{block: block, left: size}
	want, got := sha256.New(), sha256.New()
	j := worker.NewJob(&job.Message{ID: job.ID{15: 1}, PayloadBlob: "b", PayloadSize: size}, 1,
		slog.New(slog.DiscardHandler), hashIO{io.TeeReader(reader, want), got})
	var err error
	grown := allocated(func() { err = forward(t, operation.HTTP{URL: url}).Handle(t.Context(), j) })
	if err != nil || !bytes.Equal(want.Sum(nil), got.Sum(nil)) {
		t.Errorf("%v, digests equal: %v", err, bytes.Equal(want.Sum(nil), got.Sum(nil)))
	}
	if grown > size/16 {
		t.Errorf("allocated %d bytes for %d", grown, size)
	}
}

// repeat reads a block over and over.
type repeat struct {
	block []byte
	left  int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := min(copy(p, r.block), r.left)
	r.left -= n
	return n, nil
}

// allocated gives how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A redirect to the same origin is followed; one elsewhere would hand over
// secrets and is not, nor is one that wants the payload again.
func TestHTTPRedirects(t *testing.T) {
	strangerAsked := false
	stranger := backend(t, func(http.ResponseWriter, *http.Request) { strangerAsked = true })
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/done":
			io.WriteString(w, r.Method+" done")
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusSeeOther)
		case "/away":
			http.Redirect(w, r, stranger, http.StatusFound)
		case "/again":
			http.Redirect(w, r, "/done", http.StatusTemporaryRedirect)
		default:
			http.Redirect(w, r, "/done", http.StatusSeeOther)
		}
	})
	run := func(path string) *workertest.Outcome {
		h := forward(t, operation.HTTP{URL: url + path, Headers: map[string]string{"X-Api-Key": "secret"}})
		return workertest.Run(t.Context(), h, workertest.Request{Payload: []byte("x")})
	}
	if o := run("/"); o.Err != nil || string(o.Result) != "GET done" {
		t.Errorf("same origin: %v %s", o.Err, o.Result)
	}
	for path, want := range map[string]string{
		"/away":  "The backend answered 302 Found, a redirect that is not followed.",
		"/loop":  "The backend answered 303 See Other, a redirect that is not followed.",
		"/again": "The backend answered 307 Temporary Redirect, a redirect that is not followed.",
	} {
		if o := run(path); !o.Verdict.Permanent || o.Verdict.Failure.Message != want {
			t.Errorf("%s: %+v", path, o.Verdict)
		}
	}
	if strangerAsked {
		t.Error("another host was asked")
	}
}

// A compressed answer becomes the result as it was before; an encoding that
// nobody asked for is refused, for its bytes are not what their type says.
func TestHTTPContentEncoding(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		io.WriteString(w, "?")
	})
	if o := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{}); !o.Verdict.Permanent {
		t.Errorf("got %v", o.Err)
	}
}

// The caller is told no hosts and addresses; the log is.
func TestHTTPUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	o := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: server.URL}), workertest.Request{})
	if o.Verdict.Permanent || o.Verdict.Failure.Message != "The backend could not be reached." {
		t.Errorf("%+v", o.Verdict)
	}
	if o.Err == nil || !strings.Contains(o.Err.Error(), server.Listener.Addr().String()) {
		t.Errorf("the error does not say where: %v", o.Err)
	}
}

// When the job is given up, so is the request, with the reason as error,
// whether the backend has answered yet or not.
func TestHTTPCancel(t *testing.T) {
	for _, answered := range []bool{false, true} {
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := make(chan struct{})
		url := backend(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if answered {
				w.Write(make([]byte, 10))
				http.NewResponseController(w).Flush()
			}
			cancel(job.ErrCanceled)
			<-r.Context().Done()
			close(gone)
		})
		o := workertest.Run(ctx, forward(t, operation.HTTP{URL: url}), workertest.Request{Payload: []byte("x")})
		if !errors.Is(o.Err, job.ErrCanceled) {
			t.Errorf("answered %v: %v", answered, o.Err)
		}
		<-gone
	}
}

// The two names of the pattern reach an HTTP/1.1 backend to the letter.
func TestHTTPHeaderNames(t *testing.T) {
	raw, url := rawBackend(t, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{})
	lines := strings.Split(<-raw, "\r\n")
	for _, name := range []string{"RequestGUID: ", "RequestAttempt: 1"} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, name) }) {
			t.Errorf("no %s in %q", name, lines)
		}
	}
}
