package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/status"
)

// brokenResults breaks every result off after some bytes, or at once if there
// are to be none.
type brokenResults struct {
	status.Results
	after int64
	err   error
}

func (b *brokenResults) Open(ctx context.Context, name string, offset, count int64) (io.ReadCloser, job.BlobInfo, error) {
	body, info, err := b.Results.Open(ctx, name, offset, count)
	if err != nil || b.after == 0 {
		return nil, job.BlobInfo{}, errors.Join(err, b.err)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, b.after), failingReader{b.err}), body}, info, nil
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// TestStreamOfAFailingStore states that a caller never takes half a result for
// a whole one, and that one who got nothing yet is told to try again.
func TestStreamOfAFailingStore(t *testing.T) {
	t.Parallel()
	broken := &brokenResults{err: &job.Error{Code: job.CodeServerBusy, Message: "Storage is busy."}}
	f := newFixture(t, func(o *status.Options) {
		broken.Results = o.Results
		o.Results = broken
	})
	r := f.succeed(f.run(f.issue(0)), strings.Repeat("x", 100_000), "text/plain", "")

	busy := f.get(statusPath(r.ID) + "?onComplete=stream")
	busy.wantStatus(t, http.StatusServiceUnavailable)
	wantProblem(t, busy, "ServerBusy")

	broken.after = 50_000
	response, err := f.client.Get(f.base + statusPath(r.ID) + "?onComplete=stream")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if err == nil || response.StatusCode != http.StatusOK || response.ContentLength != 100_000 {
		t.Errorf("%s: read %d of %d bytes, %v", response.Status, n, response.ContentLength, err)
	}
}

// recordedResults remembers what was read.
type recordedResults struct {
	status.Results
	mu    sync.Mutex
	reads []string
}

func (r *recordedResults) Open(ctx context.Context, name string, offset, count int64) (io.ReadCloser, job.BlobInfo, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads = append(r.reads, fmt.Sprintf("%d+%d", offset, count))
	return r.Results.Open(ctx, name, offset, count)
}

// TestStreamReadsWhatItSends states that storage is asked for the bytes that
// are sent, once, and for none where none are.
func TestStreamReadsWhatItSends(t *testing.T) {
	t.Parallel()
	recorded := &recordedResults{}
	f := newFixture(t, func(o *status.Options) {
		recorded.Results = o.Results
		o.Results = recorded
	})
	r := f.succeed(f.run(f.issue(0)), strings.Repeat("x", 1_000_000), "text/plain", "")
	path := statusPath(r.ID) + "?onComplete=stream"
	f.do(http.MethodHead, path)
	f.get(path, "If-None-Match", `"`+r.Result.SHA256+`"`)
	f.get(path, "Range", "bytes=2000000-")
	f.get(path)
	f.get(path, "Range", "bytes=1000-1999")
	f.get(path, "Range", "bytes=-10")
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	if got, want := strings.Join(recorded.reads, " "), "0+1000000 1000+1000 999990+10"; got != want {
		t.Errorf("reads = %s, want %s", got, want)
	}
}

// failingSigner cannot sign.
type failingSigner struct{}

func (failingSigner) URL(context.Context, string, job.BlobProperties) (string, time.Time, error) {
	return "", time.Time{}, job.ErrBusy
}

// TestNoValetKey states that a result for which no valet key can be had is
// not redirected to without one.
func TestNoValetKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *status.Options) { o.Signer = failingSigner{} })
	r := f.succeed(f.run(f.issue(0)), "x", "text/plain", "")
	for _, query := range []string{"", "?onComplete=json"} {
		a := f.get(statusPath(r.ID) + query)
		a.wantStatus(t, http.StatusServiceUnavailable)
		a.wantHeader(t, "Location", "")
	}
}

// TestOwners states that with authentication each caller sees its own jobs,
// pending or ended, and no other's, and that who is not known is refused.
func TestOwners(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *status.Options) {
		o.Owner = func(c echo.Context) (string, error) {
			if name := c.Request().Header.Get("X-Name"); name != "" {
				return name, nil
			}
			return "", &job.Error{Code: job.CodeUnauthorized, Message: "Say who you are."}
		}
	})
	queued := job.NewIssuer(f.ring, nil).Issue("ada")
	m := message(job.NewIssuer(f.ring, nil).Issue("ada"))
	m.Owner = "ada"
	running := f.insert(job.Claim(m, time.Now())).ID
	for _, id := range []job.ID{queued, running} {
		for _, path := range []string{statusPath(id), statusPath(id) + "?onComplete=json", statusPath(id) + "/result", operationPath(id), statusPath(id) + "/events"} {
			f.get(path, "X-Name", "bob").wantStatus(t, http.StatusNotFound)
			f.get(path).wantStatus(t, http.StatusUnauthorized)
		}
		f.do(http.MethodDelete, statusPath(id), "X-Name", "bob").wantStatus(t, http.StatusNotFound)
		f.get(statusPath(id), "X-Name", "ada").wantStatus(t, http.StatusAccepted)
		f.do(http.MethodDelete, statusPath(id), "X-Name", "ada").wantStatus(t, http.StatusAccepted)
	}
	stored, err := f.store.Get(t.Context(), queued)
	if err != nil || stored.Owner != "ada" {
		t.Errorf("stored = %+v, %v", stored, err)
	}
}

// TestOptions states that a service that could not do its work is not made,
// and that the error names what is wrong.
func TestOptions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	complete := func() *status.Options {
		return &status.Options{BaseURL: f.base, Keys: f.ring, Records: f.store, Results: f.results, Signer: failingSigner{}}
	}
	if _, err := status.New(complete()); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*status.Options){
		"Keys":          func(o *status.Options) { o.Keys = nil },
		"Records":       func(o *status.Options) { o.Records = nil },
		"Signer":        func(o *status.Options) { o.Signer = nil },
		"Results":       func(o *status.Options) { o.Results = nil },
		"retention":     func(o *status.Options) { o.Retention = time.Hour },
		`""`:            func(o *status.Options) { o.BaseURL = "" },
		"relative":      func(o *status.Options) { o.BaseURL = "/relative" },
		"ftp://a":       func(o *status.Options) { o.BaseURL = "ftp://a" },
		"http://a/?b=c": func(o *status.Options) { o.BaseURL = "http://a/?b=c" },
		"http://u@a":    func(o *status.Options) { o.BaseURL = "http://u@a" },
	} {
		o := complete()
		spoil(o)
		if _, err := status.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, does not name %s", err, want)
		}
	}
}
