package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// unread is an answer on a connection that nobody reads.
type unread struct{ header http.Header }

func (w *unread) Header() http.Header              { return w.header }
func (w *unread) Write(p []byte) (int, error)      { return len(p), nil }
func (w *unread) WriteHeader(int)                  {}
func (w *unread) SetReadDeadline(time.Time) error  { return nil }
func (w *unread) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkRequest measures what a request costs beside Echo and its handler:
// its name, its guards, and its line in the access log, written to a file.
func BenchmarkRequest(b *testing.B) {
	file, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	for _, test := range []struct {
		name string
		echo *echo.Echo
	}{
		{"echo", echo.New()},
		{"unlogged", web.New(nil)},
		{"logged", web.New(&web.Options{Logger: slog.New(slog.NewJSONHandler(file, nil))})},
	} {
		b.Run(test.name, func(b *testing.B) {
			test.echo.GET("/x", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
			r, w := httptest.NewRequest(http.MethodGet, "/x", nil), &unread{}
			b.ReportAllocs()
			for b.Loop() {
				w.header = http.Header{}
				test.echo.ServeHTTP(w, r)
			}
		})
	}
}
