package blobstore_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestRequestsOfAnUpload states what a blob costs: one request up to the size
// of a block, here 100,000 bytes, else one for each block and one for the list.
func TestRequestsOfAnUpload(t *testing.T) {
	t.Parallel()
	c, proxy := proxied(t, nil)
	unsized := func(n int) io.Reader { return io.MultiReader(bytes.NewReader(random(n))) }
	for name, test := range map[string]struct {
		content io.Reader
		want    int
	}{
		"nothing":                   {strings.NewReader(""), 1},
		"small":                     {unsized(60_000), 1},
		"less than a block":         {unsized(99_999), 1},
		"a block, in memory":        {bytes.NewReader(random(100_000)), 1},
		"a string":                  {strings.NewReader(string(random(90_000))), 1},
		"two blocks and a half":     {unsized(250_000), 4},
		"two blocks":                {unsized(200_000), 3},
		"two blocks, all in memory": {bytes.NewReader(random(200_000)), 3},
	} {
		before := len(proxy.Requests())
		if err := c.Put(t.Context(), name, test.content, job.BlobProperties{}); err != nil {
			t.Fatal(err)
		}
		if requests := proxy.Requests()[before:]; len(requests) != test.want {
			t.Errorf("%s took %v, want %d", name, requests, test.want)
		}
	}
}

// TestRestOfAReader states that of content in memory only what was not read
// yet is stored, also when the request has to be repeated.
func TestRestOfAReader(t *testing.T) {
	t.Parallel()
	c, proxy := faulty(t)
	content := random(90_000)
	reader := bytes.NewReader(content)
	if _, err := io.CopyN(io.Discard, reader, 1000); err != nil {
		t.Fatal(err)
	}
	proxy.Inject(1, isWrite, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
	if err := c.Put(t.Context(), "x", reader, job.BlobProperties{}); err != nil {
		t.Fatal(err)
	}
	if got, info := read(t, c, "x", 0, 0); !bytes.Equal(got, content[1000:]) || info.Size != 89_000 {
		t.Errorf("stored %d bytes, or others", info.Size)
	}
}

// TestManyUploadsShareMemory states that many large uploads at a time take no
// more memory than a few: their blocks are smaller. Each is stored whole.
func TestManyUploadsShareMemory(t *testing.T) {
	const uploads, size, limit = 32, 2 << 20, 32 << 20
	opts := options(t)
	opts.BlockSize, opts.Memory = 0, 16<<20 // 2 blocks of 256 KiB each
	s := blobstore.New(clients(t, localazuretest.Storage(t).ConnectionString(), nil).Blobs, opts)
	if err := s.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := s.Payloads()
	var writers errgroup.Group
	var begun, halfway sync.WaitGroup
	begun.Add(uploads)
	halfway.Add(uploads)
	base := heap()
	for i := range uploads {
		meet := func(all *sync.WaitGroup) func() {
			return func() { all.Done(); all.Wait() }
		}
		content := io.MultiReader(once(meet(&begun)), io.LimitReader(zeros{}, size/2), once(meet(&halfway)), io.LimitReader(zeros{}, size/2))
		writers.Go(func() error { return c.Put(t.Context(), fmt.Sprint(i), content, job.BlobProperties{}) })
	}
	halfway.Wait()
	if peak := heap(); peak > base+limit {
		t.Errorf("the heap grew from %d to %d bytes", base, peak)
	}
	if err := writers.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range uploads {
		if got, _ := read(t, c, fmt.Sprint(i), 0, 0); !bytes.Equal(got, make([]byte, size)) {
			t.Errorf("%d: stored %d bytes, or others", i, len(got))
		}
	}
}

// once gives a reader that calls do and ends.
func once(do func()) io.Reader {
	return readerFunc(func([]byte) (int, error) { do(); return 0, io.EOF })
}

// TestBlocksInFlightAreBounded states that however many uploads there are, so
// many blocks are in flight and no more.
func TestBlocksInFlightAreBounded(t *testing.T) {
	t.Parallel()
	const uploads, limit = 8, 3
	counter := &inFlight{full: make(chan struct{}), limit: limit}
	opts := options(t)
	opts.Requests = limit
	account := localazuretest.Storage(t).ConnectionString()
	c := blobstore.New(clients(t, account, &azure.Options{HTTPClient: &http.Client{Transport: counter}}).Blobs, opts).Payloads()
	if err := c.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	var writers errgroup.Group
	for i := range uploads {
		writers.Go(func() error {
			return c.Put(t.Context(), fmt.Sprint(i), bytes.NewReader(random(500_000)), job.BlobProperties{})
		})
	}
	if err := writers.Wait(); err != nil {
		t.Fatal(err)
	}
	if counter.most != limit {
		t.Errorf("%d blocks were in flight, want %d", counter.most, limit)
	}
}

// inFlight counts requests that store blocks. It has them wait until there are
// as many as there may be.
type inFlight struct {
	full  chan struct{}
	limit int
	open  sync.Once

	mu        sync.Mutex
	now, most int
}

func (f *inFlight) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("comp") == "block" {
		f.add(1)
		defer f.add(-1)
		<-f.full
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (f *inFlight) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now += n
	f.most = max(f.most, f.now)
	if f.now == f.limit {
		f.open.Do(func() { close(f.full) })
	}
}
