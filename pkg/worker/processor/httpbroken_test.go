package processor_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// rawBackend answers one connection with exactly the given bytes and hangs
// up. It gives the head of the request that it saw.
func rawBackend(t *testing.T, answer string) (request <-chan string, url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heads, done := make(chan string, 1), make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		head := make([]byte, 4096)
		n, _ := conn.Read(head)
		heads <- string(head[:n])
		io.WriteString(conn, answer)
	}()
	return heads, "http://" + listener.Addr().String()
}

// An answer that is cut short is an error that is retried, never a shorter
// result.
func TestHTTPAnswerCutShort(t *testing.T) {
	var compressed bytes.Buffer
	zip := gzip.NewWriter(&compressed)
	io.WriteString(zip, strings.Repeat("text", 1000))
	zip.Close()
	cut := compressed.String()[:compressed.Len()-4]
	for name, answer := range map[string]string{
		"by length":   "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
		"by chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this",
		"after chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n",
		"in gzip":     fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(cut), cut),
		"in head":     "HTTP/1.1 200 OK\r\nContent-",
		"at once":     "",
		"not HTTP":    "SSH-2.0-OpenSSH\r\n",
	} {
		_, url := rawBackend(t, answer)
		o := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{})
		if o.Err == nil || o.Verdict.Permanent || strings.Contains(o.Verdict.Failure.Message, "127.0.0.1") {
			t.Errorf("%s: %v, %+v", name, o.Err, o.Verdict)
		}
	}
}

// A gzipped answer that is whole comes out plain.
func TestHTTPGzip(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		io.WriteString(zip, "plain")
		zip.Close()
	})
	if o := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{}); o.Err != nil || string(o.Result) != "plain" {
		t.Errorf("%v %q", o.Err, o.Result)
	}
}

// brokenIO is a job's IO whose payload and result may fail.
type brokenIO struct {
	payload io.Reader
	result  error
}

func (b brokenIO) Payload() io.Reader              { return b.payload }
func (b brokenIO) Progress(float64, string)        {}
func (b brokenIO) Result(string, string) io.Writer { return b }

func (b brokenIO) Write(p []byte) (int, error) {
	if b.result != nil {
		return 0, b.result
	}
	return len(p), nil
}

// What is wrong with the payload or the result itself is not blamed on the
// backend: the error comes through as it is.
func TestHTTPBrokenStorage(t *testing.T) {
	broken := worker.Permanent(&job.Error{Code: job.CodePayloadMissing, Message: "gone"})
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			io.WriteString(w, "answer")
		}
	})
	for name, parts := range map[string]brokenIO{
		"payload": {payload: io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))},
		"result":  {payload: strings.NewReader("complete"), result: broken},
	} {
		j := worker.NewJob(&job.Message{ID: job.ID{15: 1}, PayloadBlob: "b", PayloadSize: 8}, 1, slog.New(slog.DiscardHandler), parts)
		err := forward(t, operation.HTTP{URL: url}).Handle(t.Context(), j)
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A payload shorter than announced never reaches the backend as a whole one.
func TestHTTPShortPayload(t *testing.T) {
	whole := make(chan bool, 1)
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		whole <- err == nil
	})
	j := worker.NewJob(&job.Message{ID: job.ID{15: 1}, PayloadBlob: "b", PayloadSize: 100}, 1,
		slog.New(slog.DiscardHandler), brokenIO{payload: strings.NewReader("short")})
	if err := forward(t, operation.HTTP{URL: url}).Handle(t.Context(), j); err == nil || <-whole {
		t.Errorf("the backend took it for whole, or %v", err)
	}
}

// A backend that answers before it has read the payload is heard, and nothing
// reads the payload after the handler has returned.
func TestHTTPEarlyAnswer(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	const size = 8 << 20
	heard := 0
	for range 20 {
		payload := &guarded{t: t, source: &repeat{block: make([]byte, 1<<15), left: size}}
		j := worker.NewJob(&job.Message{ID: job.ID{15: 1}, PayloadBlob: "b", PayloadSize: size}, 1,
			slog.New(slog.DiscardHandler), brokenIO{payload: payload})
		err := forward(t, operation.HTTP{URL: url}).Handle(t.Context(), j)
		payload.over = true // the race detector sees a read that comes later
		if err == nil {
			t.Fatal("no error")
		}
		if worker.Judge(err).Permanent {
			heard++
		}
	}
	if heard < 10 {
		t.Errorf("%d of 20 answers were heard", heard)
	}
}

// guarded fails the test when it is read after its end.
type guarded struct {
	t      *testing.T
	source io.Reader
	over   bool
}

func (g *guarded) Read(p []byte) (int, error) {
	if g.over {
		g.t.Error("payload was read after the handler had returned")
	}
	return g.source.Read(p)
}
