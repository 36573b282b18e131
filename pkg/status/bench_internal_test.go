package status

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// constant signs nothing and stores nothing, so that what is measured is the
// service.
type constant struct{}

func (constant) URL(context.Context, string, job.BlobProperties) (string, time.Time, error) {
	return "https://example.blob.core.windows.net/results/20261121/a?sig=b", time.Time{}, nil
}

func (constant) Open(context.Context, string, int64, int64) (io.ReadCloser, job.BlobInfo, error) {
	return http.NoBody, job.BlobInfo{}, nil
}

// BenchmarkAnswers measures an answer without the network, beside one
// through the same Echo with a constant body of about the same size.
func BenchmarkAnswers(b *testing.B) {
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		b.Fatal(err)
	}
	id := job.NewIssuer(ring, nil).Issue("")
	now := time.Now()
	running := job.Claim(&job.Message{ID: id, Operation: "thumbnail", SubmittedAt: now}, now)
	succeeded, _ := running.Succeed(job.Result{Blob: "20261121/a", ContentType: "image/png"}, now)
	failed, _ := running.Fail(job.Failure{Code: "TooBlurred", Message: "Take it again."}, now)
	statusPath, monitorPath := pathStatus+id.String(), pathOperations+id.String()
	for _, c := range []struct {
		name, path string
		record     *job.Record
	}{
		{"queued", statusPath, nil},
		{"running", statusPath, &running},
		{"redirect", statusPath, &succeeded},
		{"failed", statusPath, &failed},
		{"monitor", monitorPath, &running},
		{"constant", "/constant", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			store := &countingRecords{records: map[job.ID]job.Record{}}
			if c.record != nil {
				store.records[id] = *c.record
			}
			service, err := New(&Options{BaseURL: "https://status.example.com", Keys: ring, Records: store, Signer: constant{}, Results: constant{}})
			if err != nil {
				b.Fatal(err)
			}
			e := web.New(nil)
			service.Register(e)
			same := service.statusOf(running, variant{})
			text := same.json()
			e.GET("/constant", func(c echo.Context) error { return c.JSONBlob(http.StatusOK, text) })
			request := httptest.NewRequest(http.MethodGet, c.path, nil)
			b.ReportAllocs()
			for b.Loop() {
				e.ServeHTTP(discard{http.Header{}}, request)
			}
		})
	}
}

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
