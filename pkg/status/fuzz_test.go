package status_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/status"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// fixed is a store that always holds the same, for many requests a second.
type fixed map[job.ID]job.Record

func (f fixed) Get(_ context.Context, id job.ID) (job.Record, error) {
	if r, ok := f[id]; ok {
		return r, nil
	}
	return job.Record{}, job.ErrNotFound
}

func (fixed) Insert(context.Context, *job.Record) error { return nil }
func (fixed) Update(context.Context, *job.Record) error { return nil }

func (fixed) URL(_ context.Context, name string, _ job.BlobProperties) (string, time.Time, error) {
	return "https://blobs.example/" + name + "?sig=x", time.Now(), nil
}

const fixedResult = "the result"

func (fixed) Open(_ context.Context, _ string, offset, count int64) (io.ReadCloser, job.BlobInfo, error) {
	text := fixedResult[offset:]
	if count > 0 {
		text = text[:count]
	}
	return io.NopCloser(strings.NewReader(text)), job.BlobInfo{Size: int64(len(fixedResult))}, nil
}

// newFixed gives a service that holds a job in each state, and their ids with
// those of a queued job and of somebody else's.
func newFixed(f *testing.F) (*echo.Echo, map[string]job.ID) {
	f.Helper()
	ring, err := job.NewKeyRing(bytes.Repeat([]byte{7}, job.MinKeyLength))
	if err != nil {
		f.Fatal(err)
	}
	ids, records := map[string]job.ID{}, fixed{}
	issuer := job.NewIssuer(ring, nil)
	for name, owner := range map[string]string{"running": "", "succeeded": "", "failed": "", "canceled": "", "queued": "", "other": "somebody"} {
		id := issuer.Issue(owner)
		ids[name] = id
		r := job.Claim(&job.Message{ID: id, Operation: "a", Owner: owner}, time.Now())
		switch name {
		case "succeeded", "other":
			r, err = r.Succeed(job.Result{Blob: "b", Size: int64(len(fixedResult)), ContentType: "text/plain"}, time.Now())
		case "failed":
			r, err = r.Fail(job.Failure{Code: "X", Message: "m"}, time.Now())
		case "canceled":
			r, err = r.Cancel(time.Now())
		}
		if err != nil {
			f.Fatal(err)
		}
		if name != "queued" {
			records[id] = r
		}
	}
	s, err := status.New(&status.Options{
		BaseURL: "https://status.example", Keys: ring, Records: records, Signer: records, Results: records,
	})
	if err != nil {
		f.Fatal(err)
	}
	s.Close() // nobody waits
	e := web.New(nil)
	s.Register(e)
	return e, ids
}

// answers are the statuses there may be.
var answers = []int{200, 202, 204, 206, 302, 304, 400, 404, 405, 409, 410, 412, 416, 422}

// FuzzRequest states that whatever bytes a client sends as a request it has a
// proper answer: never a 5xx, a problem where it is one, and never a redirect
// other than to the valet key of its own job's result.
func FuzzRequest(f *testing.F) {
	e, ids := newFixed(f)
	for _, seed := range []string{
		"GET /api/RequestStatus/{succeeded} HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/RequestStatus/{succeeded}?onComplete=stream HTTP/1.1\r\nHost: x\r\nRange: bytes=2-4\r\nIf-Range: \"x\"\r\n\r\n",
		"GET /api/RequestStatus/{succeeded}?onComplete=json&onPending=synchronous HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/RequestStatus/{succeeded}/result?onComplete=stream HTTP/1.1\r\nHost: x\r\nRange: bytes=99-,-1\r\n\r\n",
		"GET /api/RequestStatus/{running} HTTP/1.1\r\nHost: x\r\nPrefer: wait=5, respond-async\r\nIf-None-Match: W/\"x\", *\r\n\r\n",
		"GET /api/RequestStatus/{queued}?onPending=maybe HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/RequestStatus/{failed}/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: x\r\n\r\n",
		"GET /api/RequestStatus/{running}/events HTTP/1.1\r\nHost: x\r\n\r\n",
		"HEAD /api/operations/{canceled} HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/RequestStatus/{other} HTTP/1.1\r\nHost: x\r\n\r\n",
		"DELETE /api/RequestStatus/{running} HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/RequestStatus/%7Bx%7D HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "PATCH /api/operations/ HTTP/1.0\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text := string(raw)
		for name, id := range ids { // which differ from run to run
			text = strings.ReplaceAll(text, "{"+name+"}", id.String())
		}
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, request)
		checkFuzzed(t, request, w, ids)
	})
}

func checkFuzzed(t *testing.T, request *http.Request, w *httptest.ResponseRecorder, ids map[string]job.ID) {
	t.Helper()
	if !slices.Contains(answers, w.Code) {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), fixedResult) && !strings.Contains(request.URL.Path, ids["succeeded"].String()) {
		t.Errorf("%s was given the result", request.URL)
	}
	location := w.Header().Get("Location")
	switch {
	case w.Code == http.StatusFound && location != "https://blobs.example/b?sig=x":
		t.Errorf("redirected to %s", location)
	case w.Code != http.StatusFound && location != "" && !strings.HasPrefix(location, "https://status.example/api/"):
		t.Errorf("Location %s", location)
	}
	problem := w.Code >= 400 && request.Method != http.MethodHead
	if problem && (w.Header().Get("Content-Type") != web.MIMEProblem || !json.Valid(w.Body.Bytes())) {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
}
