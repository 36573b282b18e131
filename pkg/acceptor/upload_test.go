package acceptor_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// TestUploadsAreBounded states that one large payload too many is answered
// with 503 at once, while small ones go on.
func TestUploadsAreBounded(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	stuck := &stuckPayloads{entered: entered, release: release}
	s := start(t, acceptor.Options{Payloads: stuck, InlineLimit: 10, MaxUploads: 1}, nil)
	large := "more than ten bytes"
	first := make(chan answer, 1)
	go func() { first <- s.post("/api/anything", strings.NewReader(large)) }()
	receive(t, entered)
	if got := s.post("/api/anything", strings.NewReader(large)); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %s", got.Status)
	}
	if got := s.post("/api/anything", strings.NewReader("small")); got.StatusCode != http.StatusAccepted {
		t.Errorf("a small one: %s", got.Status)
	}
	close(release)
	if got := receive(t, first); got.StatusCode != http.StatusAccepted {
		t.Errorf("the first: %s %s", got.Status, got.body)
	}
}

// stuckPayloads takes a payload when it is released.
type stuckPayloads struct{ entered, release chan struct{} }

func (p *stuckPayloads) Put(ctx context.Context, _ string, content io.Reader, _ job.BlobProperties) error {
	p.entered <- struct{}{}
	select {
	case <-p.release:
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := io.Copy(io.Discard, content)
	return err
}

func (p *stuckPayloads) Delete(context.Context, string) error { return nil }

// TestUploadTimeout states that a store that takes for ever is given up.
func TestUploadTimeout(t *testing.T) {
	stuck := &stuckPayloads{entered: make(chan struct{}, 1)}
	s := start(t, acceptor.Options{Payloads: stuck, InlineLimit: 10, UploadTimeout: 20 * time.Millisecond}, nil)
	if got := s.post("/api/anything", strings.NewReader("more than ten bytes")); got.StatusCode != 503 {
		t.Errorf("answered %s", got.Status)
	}
}

// TestUploadMemory states that 100 MB pass through without being held: the
// process grows by less than 64 MB at any moment, the sending test included.
func TestUploadMemory(t *testing.T) {
	const size = 100 << 20
	payloads, _ := payloadStore(t)
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Payloads: payloads}, nil)
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	before := memory.HeapInuse
	digest := sha256.New()
	peak := uint64(0)
	body := &probedReader{source: io.LimitReader(rand.NewChaCha8([32]byte{2}), size), every: 4 << 20, probe: func() {
		runtime.ReadMemStats(&memory)
		peak = max(peak, memory.HeapInuse)
	}}
	if got := s.post("/api/anything", io.TeeReader(body, digest)); got.StatusCode != http.StatusAccepted {
		t.Fatalf("answered %s: %s", got.Status, got.body)
	}
	if growth := int64(peak - before); growth > 64<<20 {
		t.Errorf("the heap grew by %d MB", growth>>20)
	} else {
		t.Logf("the heap grew by %d MB", growth>>20)
	}
	content, _, err := payloads.Open(t.Context(), sent.sent()[0].PayloadBlob, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	stored := sha256.New()
	if n, err := io.Copy(stored, content); err != nil || n != size || !bytes.Equal(stored.Sum(nil), digest.Sum(nil)) {
		t.Errorf("stored %d bytes, %v; the same as sent: %v", n, err, bytes.Equal(stored.Sum(nil), digest.Sum(nil)))
	}
}

// probedReader calls probe each time that so many bytes were read.
type probedReader struct {
	source io.Reader
	every  int
	read   int
	probe  func()
}

func (r *probedReader) Read(p []byte) (int, error) {
	n, err := r.source.Read(p)
	if r.read += n; r.read >= r.every {
		r.read = 0
		r.probe()
	}
	return n, err
}

// TestExpectContinue states that a client that asks first is told to go on
// only if its payload is wanted.
func TestExpectContinue(t *testing.T) {
	s := start(t, acceptor.Options{}, nil)
	for _, test := range []struct {
		path string
		size int
		want int
	}{
		{"/api/anything", 9, http.StatusContinue},
		{"/api/nothing", 9, http.StatusNotFound},
		{"/api/small", 1025, http.StatusRequestEntityTooLarge},
	} {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(patience / 4)); err != nil { // less than bodies are waited for
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", test.path, test.size)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != test.want {
			t.Errorf("%s: %s, want %d", test.path, response.Status, test.want)
		}
		response.Body.Close()
		conn.Close()
	}
}

// TestSlowUpload states that a large payload that stalls is given up with 408
// and leaves nothing.
func TestSlowUpload(t *testing.T) {
	payloads, blobs := payloadStore(t)
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Payloads: payloads}, &web.Options{WriteTimeout: 100 * time.Millisecond})
	reader, writer := io.Pipe()
	defer writer.Close()
	go func() { _, _ = writer.Write(bytes.Repeat([]byte("x"), acceptor.DefaultInlineLimit+1)) }()
	got := s.post("/api/anything", reader)
	if p := decode[problem](t, got); got.StatusCode != http.StatusRequestTimeout || p.Code != job.CodeRequestTimeout {
		t.Errorf("answered %s: %s", got.Status, got.body)
	}
	if left := blobs(); len(left) > 0 || len(sent.sent()) > 0 {
		t.Errorf("left %v and %d messages", left, len(sent.sent()))
	}
}
