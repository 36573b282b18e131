package blobstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

func clients(t *testing.T, connectionString string, opts *azure.Options) *azure.Clients {
	t.Helper()
	settings := azure.Storage{ConnectionString: connectionString}
	c, err := settings.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// options gives containers of their own to a test, and blocks small enough to
// have many.
func options(t *testing.T) *blobstore.Options {
	name := localazuretest.Name(t)
	return &blobstore.Options{PayloadContainer: name + "p", ResultContainer: name + "r", BlockSize: 100_000}
}

func newStore(t *testing.T) *blobstore.Store {
	t.Helper()
	s := blobstore.New(clients(t, localazuretest.Storage(t).ConnectionString(), nil).Blobs, options(t))
	if err := s.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// random gives n bytes that are the same in every run.
func random(n int) []byte {
	content := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	return content
}

func put(t *testing.T, c *blobstore.Container, name string, content []byte) {
	t.Helper()
	if err := c.Put(t.Context(), name, bytes.NewReader(content), job.BlobProperties{ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, c *blobstore.Container, name string, offset, count int64) ([]byte, job.BlobInfo) {
	t.Helper()
	body, info, err := c.Open(t.Context(), name, offset, count)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return content, info
}

// TestRoundTrip states that what was put is read, whatever its size and however
// its reader gives it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := newStore(t).Payloads()
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 100_000, 200_000, 654_321} {
		content := random(size)
		for kind, reader := range map[string]io.Reader{
			"sized": bytes.NewReader(content), "unsized": io.MultiReader(bytes.NewReader(content)),
			"halves": iotest.HalfReader(bytes.NewReader(content)), "error with data": iotest.DataErrReader(bytes.NewReader(content)),
		} {
			name := fmt.Sprintf("20261121/%d %s", size, kind)
			if err := c.Put(t.Context(), name, reader, job.BlobProperties{ContentType: "image/png", FileName: "cat.png"}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, info := read(t, c, name, 0, 0)
			if !bytes.Equal(got, content) {
				t.Errorf("%s: read %d other bytes", name, len(got))
			}
			if info.Size != int64(size) || info.ContentType != "image/png" || info.FileName != "cat.png" || info.ETag == "" ||
				time.Since(info.ModifiedAt).Abs() > time.Minute {
				t.Errorf("%s: info %+v", name, info)
			}
		}
	}
}

// TestRanges states that a part of a blob can be read, that its info tells the
// size of the whole, and that a part behind the end is refused. (Azure refuses
// the one that begins just at the end, too; Azurite gives nothing.)
func TestRanges(t *testing.T) {
	t.Parallel()
	c := newStore(t).Results()
	content := random(1000)
	put(t, c, "x", content)
	for _, test := range []struct{ offset, count, end int64 }{{0, 10, 10}, {990, 0, 1000}, {500, 100, 600}, {999, 100, 1000}} {
		got, info := read(t, c, "x", test.offset, test.count)
		if !bytes.Equal(got, content[test.offset:test.end]) || info.Size != 1000 {
			t.Errorf("%+v: %d bytes of %d", test, len(got), info.Size)
		}
	}
	if _, _, err := c.Open(t.Context(), "x", 1001, 0); job.CodeOf(err) != job.CodeInvalidRequest {
		t.Errorf("behind the end: %v", err)
	}
}

// TestWrittenOnce states that a blob is never written over, and that of
// concurrent writes of one name exactly one is kept, whole.
func TestWrittenOnce(t *testing.T) {
	t.Parallel()
	c := newStore(t).Results()
	for _, size := range []int{10, 300_000} {
		name := fmt.Sprint(size)
		outcomes := make([]error, 4)
		var writers errgroup.Group
		for i := range outcomes {
			writers.Go(func() error {
				content := bytes.Repeat([]byte{byte(i)}, size)
				outcomes[i] = c.Put(t.Context(), name, bytes.NewReader(content), job.BlobProperties{})
				return nil
			})
		}
		_ = writers.Wait()
		winner := -1
		for i, err := range outcomes {
			switch {
			case err == nil && winner < 0:
				winner = i
			case !errors.Is(err, job.ErrExists):
				t.Errorf("writer %d of %d bytes: %v", i, size, err)
			}
		}
		if got, _ := read(t, c, name, 0, 0); winner < 0 || !bytes.Equal(got, bytes.Repeat([]byte{byte(winner)}, size)) {
			t.Errorf("writer %d won, but another's %d bytes are stored", winner, len(got))
		}
	}
}

// TestBrokenSource states that content which breaks off is never taken for
// content that ended: its error is given back and there is no blob.
func TestBrokenSource(t *testing.T) {
	t.Parallel()
	c := newStore(t).Payloads()
	for name, broken := range map[string]error{"cut short": io.ErrUnexpectedEOF, "failed": errors.New("disk on fire")} {
		for _, size := range []int{0, 10, 64 << 10, 100_000, 250_000} {
			source := io.MultiReader(bytes.NewReader(random(size)), iotest.ErrReader(broken))
			if err := c.Put(t.Context(), "x", source, job.BlobProperties{}); !errors.Is(err, broken) {
				t.Errorf("%s after %d: %v", name, size, err)
			}
			if _, _, err := c.Open(t.Context(), "x", 0, 0); !errors.Is(err, job.ErrNotFound) {
				t.Errorf("%s after %d: the blob: %v", name, size, err)
			}
		}
	}
}

// TestDelete states that deleting is idempotent, and that a prefix takes what
// begins with it and nothing else.
func TestDelete(t *testing.T) {
	t.Parallel()
	c := newStore(t).Results()
	for i := range 20 {
		put(t, c, fmt.Sprintf("20261120/%d/1-x", i), random(10))
	}
	put(t, c, "20261121/kept", random(10))
	for range 2 {
		if err := c.Delete(t.Context(), "20261120/0/1-x"); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{19, 0} {
		if n, err := c.DeletePrefix(t.Context(), "20261120/"); err != nil || n != want {
			t.Errorf("DeletePrefix = %d, %v, want %d", n, err, want)
		}
	}
	if n, err := c.DeletePrefix(t.Context(), ""); err == nil {
		t.Errorf("an empty prefix deleted %d blobs", n)
	}
	read(t, c, "20261121/kept", 0, 0)
}

// TestReady states that readiness asks for the containers.
func TestReady(t *testing.T) {
	t.Parallel()
	s := blobstore.New(clients(t, localazuretest.Storage(t).ConnectionString(), nil).Blobs, options(t))
	if err := s.Ready(t.Context()); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("without containers: %v", err)
	}
	for range 2 {
		if err := s.EnsureContainers(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("with containers: %v", err)
	}
	nobody := localazuretest.Storage(t)
	nobody.BlobEndpoint = "http://127.0.0.1:1/" + nobody.AccountName
	if err := blobstore.New(clients(t, nobody.ConnectionString(), nil).Blobs, nil).Ready(t.Context()); !errors.Is(err, job.ErrBusy) {
		t.Errorf("nobody at the endpoint: %v", err)
	}
}

// TestHostileHeaders states that content type and file name come from
// strangers: whatever they are, the blob is stored and its headers are sound.
func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	c := newStore(t).Results()
	for i, test := range []struct{ contentType, fileName, wantType, wantName string }{
		{"text/html; charset=utf-8", "a.html", "text/html; charset=utf-8", "a.html"},
		{"", "", "application/octet-stream", ""},
		{"text/html\r\nX-Evil: 1", "a\r\nb.txt", "application/octet-stream", "ab.txt"},
		{"no type", "../../etc/passwd", "application/octet-stream", "passwd"},
		{"a/" + strings.Repeat("b", 300), `C:\x\"quoted";.txt`, "application/octet-stream", "_quoted_;.txt"},
		{"x/ü", "naïve 名前 100%.txt", "application/octet-stream", "naïve 名前 100%.txt"},
		{"a/b", ".", "a/b", ""},
		{"a/b", strings.Repeat("é", 200) + ".jpeg", "a/b", strings.Repeat("é", 72) + ".jpeg"},
		{"a/b", "gnp.\u202egpj.exe", "a/b", "gnp.gpj.exe"},
	} {
		name := fmt.Sprint(i)
		err := c.Put(t.Context(), name, strings.NewReader("x"), job.BlobProperties{ContentType: test.contentType, FileName: test.fileName})
		if err != nil {
			t.Fatalf("%q %q: %v", test.contentType, test.fileName, err)
		}
		if _, info := read(t, c, name, 0, 0); info.ContentType != test.wantType || info.FileName != test.wantName {
			t.Errorf("%q %q became %q %q", test.contentType, test.fileName, info.ContentType, info.FileName)
		}
	}
}

// TestContext states that the end of a call's context ends the call with the
// context's own error, also while content is awaited or read.
func TestContext(t *testing.T) {
	t.Parallel()
	c := newStore(t).Results()
	put(t, c, "x", random(1000))
	ctx, cancel := context.WithCancelCause(t.Context())
	body, _, err := c.Open(ctx, "x", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	source := io.MultiReader(bytes.NewReader(random(250_000)), readerFunc(func(p []byte) (int, error) {
		cancel(errors.New("enough"))
		return len(p), nil
	}))
	if err := c.Put(ctx, "y", source, job.BlobProperties{}); !errors.Is(err, context.Canceled) && err.Error() != "enough" {
		t.Errorf("put: %v", err)
	}
	if _, _, err := c.Open(ctx, "x", 0, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v", err)
	}
	if err := c.Delete(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
	if _, _, err := c.Open(t.Context(), "y", 0, 0); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("a blob whose upload was canceled: %v", err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
