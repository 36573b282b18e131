package blobstore_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// faulty gives a container behind a proxy, whose clients soon give up waiting.
func faulty(t *testing.T) (*blobstore.Container, *azuretest.Proxy) {
	t.Helper()
	return proxied(t, &azure.Options{StallTimeout: 300 * time.Millisecond})
}

// proxied gives a container behind a proxy.
func proxied(t *testing.T, clientOptions *azure.Options) (*blobstore.Container, *azuretest.Proxy) {
	t.Helper()
	account := localazuretest.Storage(t)
	proxy := azuretest.NewProxy(t, account.BlobEndpoint)
	account.BlobEndpoint = proxy.URL()
	c := clients(t, account.ConnectionString(), clientOptions)
	s := blobstore.New(c.Blobs, options(t))
	if err := s.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.Results(), proxy
}

func isWrite(r *http.Request) bool { return r.Method == http.MethodPut }

func isCommit(r *http.Request) bool { return isWrite(r) && r.URL.Query().Get("comp") == "blocklist" }

// TestTransientFaults states that a fault that passes is got over within the
// call: the blob is written once, whole, and read whole.
func TestTransientFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]azuretest.Fault{
		"reply lost": azuretest.LoseReply, "reset": azuretest.Reset, "hang": azuretest.Hang,
		"503": azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, proxy := faulty(t)
			small, large := random(1000), random(350_000)
			proxy.Inject(2, isWrite, fault)
			put(t, c, "small", small)
			proxy.Inject(3, isWrite, fault)
			proxy.Inject(1, isCommit, fault)
			put(t, c, "large", large)
			proxy.Inject(2, nil, fault)
			if got, _ := read(t, c, "small", 0, 0); !bytes.Equal(got, small) {
				t.Errorf("small: read %d other bytes", len(got))
			}
			if got, _ := read(t, c, "large", 0, 0); !bytes.Equal(got, large) {
				t.Errorf("large: read %d other bytes", len(got))
			}
			if left := proxy.Pending(); left != 0 {
				t.Errorf("%d faults did not happen", left)
			}
		})
	}
}

// TestBrokenBody states that a body that breaks off or goes silent is resumed
// where it broke, as often as it takes.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	c, proxy := faulty(t)
	content := random(400_000)
	put(t, c, "x", content)
	proxy.Inject(1, nil, azuretest.Cut(70_000))
	proxy.Inject(1, nil, azuretest.Stall(50_000))
	proxy.Inject(3, nil, azuretest.Cut(50_000))
	got, _ := read(t, c, "x", 1000, 0)
	if !bytes.Equal(got, content[1000:]) {
		t.Errorf("read %d other bytes", len(got))
	}
	if left := proxy.Pending(); left != 0 {
		t.Errorf("%d faults did not happen", left)
	}
}

// TestSlowReader states that who reads slowly is not taken for a connection
// that has gone silent.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	c, proxy := faulty(t)
	put(t, c, "x", random(5_000_000))
	before := len(proxy.Requests())
	body, _, err := c.Open(t.Context(), "x", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	pause := time.NewTimer(500 * time.Millisecond) // the patience of the client is 300 ms
	<-pause.C
	if n, err := io.Copy(io.Discard, body); n != 5_000_000 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if requests := proxy.Requests()[before:]; len(requests) != 1 {
		t.Errorf("it took %v", requests)
	}
}

// TestOutage states that an outage ends in ErrBusy, and that an upload then
// stops reading its source.
func TestOutage(t *testing.T) {
	t.Parallel()
	c, proxy := faulty(t)
	proxy.Inject(1000, nil, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
	var taken atomic.Int64
	endless := readerFunc(func(p []byte) (int, error) {
		taken.Add(int64(len(p)))
		return len(p), nil
	})
	if err := c.Put(t.Context(), "x", endless, job.BlobProperties{}); !errors.Is(err, job.ErrBusy) {
		t.Errorf("put: %v", err)
	}
	if taken.Load() > 1_000_000 {
		t.Errorf("the upload took %d bytes", taken.Load())
	}
	if _, _, err := c.Open(t.Context(), "x", 0, 0); !errors.Is(err, job.ErrBusy) {
		t.Errorf("open: %v", err)
	}
	if err := c.Delete(t.Context(), "x"); !errors.Is(err, job.ErrBusy) {
		t.Errorf("delete: %v", err)
	}
}

// TestMemory states that 100 MB pass through without being held: the heap grows
// by a few blocks at most.
func TestMemory(t *testing.T) {
	const size, limit = 100 << 20, 24 << 20
	account := localazuretest.Storage(t)
	opts := options(t)
	opts.BlockSize = 0 // the default
	s := blobstore.New(clients(t, account.ConnectionString(), nil).Blobs, opts)
	if err := s.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := s.Payloads()
	var peak uint64
	base := heap()
	watch := func(r io.Reader) io.Reader {
		left := 0
		return readerFunc(func(p []byte) (int, error) {
			if left -= len(p); left < 0 {
				left = 10 << 20
				peak = max(peak, heap())
			}
			return r.Read(p)
		})
	}
	if err := c.Put(t.Context(), "x", watch(io.LimitReader(zeros{}, size)), job.BlobProperties{}); err != nil {
		t.Fatal(err)
	}
	body, _, err := c.Open(t.Context(), "x", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if n, err := io.Copy(io.Discard, watch(body)); n != size || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	if peak > base+limit {
		t.Errorf("the heap grew from %d to %d bytes", base, peak)
	}
	if err := c.Delete(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

// heap gives the bytes in use after garbage collection.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
