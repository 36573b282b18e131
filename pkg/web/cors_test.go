package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// startCORS serves /job, which takes GET and DELETE, and /broken.
func startCORS(t *testing.T, opts *web.CORSOptions) *server {
	t.Helper()
	cors, err := web.CORS(opts)
	if err != nil {
		t.Fatal(err)
	}
	e := web.New(nil)
	e.Use(cors)
	ok := func(c echo.Context) error { return c.NoContent(http.StatusAccepted) }
	e.GET("/job", ok)
	e.DELETE("/job", ok)
	e.GET("/broken", func(echo.Context) error { return web.NewProblem(job.CodeServerBusy, "Later.") })
	return start(t, e, nil)
}

func wantHeaders(t *testing.T, a answer, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := strings.Join(a.Header.Values(name), "|"); got != value {
			t.Errorf("%s %s from %q: %s = %q, want %q", a.Request.Method, a.Request.URL.Path, a.Request.Header.Get("Origin"), name, got, value)
		}
	}
}

// TestCORSAllowedOrigins states that pages of the configured origins may read
// every answer, errors too, and those of others none.
func TestCORSAllowedOrigins(t *testing.T) {
	listed := startCORS(t, &web.CORSOptions{AllowedOrigins: []string{"https://app.example", "http://127.0.0.1:3000"}})
	open := startCORS(t, &web.CORSOptions{AllowedOrigins: []string{"*"}})
	closed := startCORS(t, &web.CORSOptions{})
	for _, test := range []struct {
		server              *server
		origin, allow, vary string
	}{
		{listed, "https://app.example", "https://app.example", "Origin"},
		{listed, "http://127.0.0.1:3000", "http://127.0.0.1:3000", "Origin"},
		{listed, "http://app.example", "", "Origin"},
		{listed, "https://app.example.evil", "", "Origin"},
		{listed, "null", "", "Origin"},
		{listed, "", "", "Origin"},
		{open, "https://anything", "*", ""},
		{open, "null", "*", ""},
		{open, "", "", ""},
		{closed, "https://app.example", "", "Origin"},
	} {
		for _, path := range []string{"/job", "/broken", "/nowhere"} {
			var header []string
			if test.origin != "" {
				header = []string{"Origin", test.origin}
			}
			a := test.server.get(path, header...)
			wantHeaders(t, a, map[string]string{
				"Access-Control-Allow-Origin": test.allow, "Vary": test.vary, "Access-Control-Allow-Credentials": "",
			})
			exposed := a.Header.Get("Access-Control-Expose-Headers")
			for _, name := range []string{"Location", "Operation-Location", "Retry-After", "ETag", "x-ms-error-code", "x-ms-request-id"} {
				if strings.Contains(exposed, name) != (test.allow != "") {
					t.Errorf("%s from %q exposes %q", path, test.origin, exposed)
				}
			}
		}
	}
}

// TestCORSPreflight states that a preflight is answered without the handler,
// for any header, and may be kept; and that others learn nothing by it.
func TestCORSPreflight(t *testing.T) {
	s := startCORS(t, &web.CORSOptions{AllowedOrigins: []string{"https://app.example"}, MaxAge: time.Minute})
	ask := func(origin, path string) answer {
		return s.do(http.MethodOptions, path, nil, "Origin", origin,
			"Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization,prefer")
	}
	for _, path := range []string{"/job", "/nowhere"} {
		a := ask("https://app.example", path)
		if a.StatusCode != http.StatusNoContent {
			t.Errorf("preflight of %s = %s", path, a.Status)
		}
		wantHeaders(t, a, map[string]string{
			"Access-Control-Allow-Origin":  "https://app.example",
			"Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE",
			"Access-Control-Allow-Headers": "Authorization, *",
			"Access-Control-Max-Age":       "60",
			"Vary":                         "Origin",
		})
	}
	wantHeaders(t, ask("https://other.example", "/job"), map[string]string{
		"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "", "Access-Control-Max-Age": "", "Vary": "Origin",
	})
	if a := s.do(http.MethodOptions, "/job", nil); a.Header.Get("Allow") == "" {
		t.Errorf("OPTIONS that is no preflight = %s without Allow", a.Status)
	}
}

// TestCORSOrigins states what is an origin.
func TestCORSOrigins(t *testing.T) {
	for origin, right := range map[string]bool{
		"*": true, "https://app.example": true, "HTTPS://App.Example": true, "http://localhost:3000": true, "http://[::1]:8080": true,
		"": false, "null": false, "app.example": false, "https://app.example/": false, "https://app.example/path": false,
		"https://*.example": false, "ftp://app.example": false, "https://app.example:443": false, "https://u@app.example": false,
	} {
		_, err := web.CORS(&web.CORSOptions{AllowedOrigins: []string{origin}})
		if (err == nil) != right {
			t.Errorf("%q: %v", origin, err)
		}
	}
	for link, want := range map[string]string{
		"https://Status.Example/base/": "https://status.example", "http://a:80/x?y": "http://a", "https://a:8443": "https://a:8443",
	} {
		if got, err := web.OriginOf(link); got != want || err != nil {
			t.Errorf("OriginOf(%s) = %s, %v, want %s", link, got, err, want)
		}
	}
}
