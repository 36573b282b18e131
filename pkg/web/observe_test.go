package web_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// TestAccessLog states that each request leaves one line that names it, its
// job and, if it failed, the cause that the caller is not told.
func TestAccessLog(t *testing.T) {
	var log journal
	e := web.New(&web.Options{Logger: log.logger()})
	id, err := job.ParseID("0193509c-9400-8000-8000-000000000000")
	if err != nil {
		t.Fatal(err)
	}
	e.GET("/fine", func(c echo.Context) error { web.SetRequestGUID(c, id); return c.String(http.StatusOK, "fine") })
	e.GET("/broken", func(echo.Context) error { return errors.New("the cause") })
	e.GET("/panic", func(echo.Context) error { panic("help") })
	s := start(t, e, nil)
	for _, test := range []struct {
		path   string
		status float64
		level  string
		want   map[string]any
	}{
		{"/fine", 200, "INFO", map[string]any{"RequestGUID": id.String(), "bytes": 4.0, "client": "127.0.0.1", "method": "GET"}},
		{"/broken", 500, "ERROR", map[string]any{"error": "the cause"}},
		{"/panic", 500, "ERROR", map[string]any{"error": "panic: help"}},
		{"/nowhere", 404, "INFO", nil},
	} {
		got := s.get(test.path + "?secret=1")
		entries := log.entries(t, "request")
		entry := entries[len(entries)-1]
		if entry["path"] != test.path || entry["status"] != test.status || entry["level"] != test.level {
			t.Errorf("%s: logged %v", test.path, entry)
		}
		if entry["requestId"] != got.Header.Get(web.HeaderRequestID) || entry["traceId"] != got.Header.Get("traceparent")[3:35] {
			t.Errorf("%s: log line does not name the request: %v", test.path, entry)
		}
		for name, want := range test.want {
			if entry[name] != want {
				t.Errorf("%s: logged %s = %v, want %v", test.path, name, entry[name], want)
			}
		}
		if stack, _ := entry["stack"].(string); strings.Contains(stack, "TestAccessLog") != (test.path == "/panic") {
			t.Errorf("%s: logged stack %q", test.path, stack)
		}
		if strings.Contains(string(got.body), "cause") || strings.Contains(string(got.body), "help") {
			t.Errorf("%s: the caller is told the cause: %s", test.path, got.body)
		}
	}
	if n := len(log.entries(t, "request")); n != 4 {
		t.Errorf("%d lines for 4 requests", n)
	}
}

// TestLogLevels states that probes and clients that left do not fill the log
// with errors.
func TestLogLevels(t *testing.T) {
	var log journal
	entered := make(chan struct{})
	e := web.New(&web.Options{Logger: log.logger()})
	health := web.NewHealth(nil)
	health.Register(e)
	health.Drain()
	e.GET("/slow", func(c echo.Context) error {
		close(entered)
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	s := start(t, e, nil)
	s.get("/readyz")
	conn := s.dial("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	receive(t, entered)
	conn.Close()
	s.stop()
	receive(t, s.done)
	levels := map[any]any{}
	for _, entry := range log.entries(t, "request") {
		levels[entry["path"]] = entry["level"]
	}
	if levels["/readyz"] != "DEBUG" || levels["/slow"] != "INFO" {
		t.Errorf("levels %v, want DEBUG for the probe, INFO for the client that left", levels)
	}
}

// TestHalfAnAnswerIsNotAWhole states that a handler that fails after it began
// to answer leaves the caller with an error, not with a short body.
func TestHalfAnAnswerIsNotAWhole(t *testing.T) {
	e := web.New(nil)
	e.GET("/x", func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusOK)
		if _, err := c.Response().Write([]byte("half")); err != nil {
			return err
		}
		c.Response().Flush()
		return errors.New("the other half is missing")
	})
	s := start(t, e, nil)
	response, err := http.Get(s.url + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := response.Body.Read(make([]byte, 100)); n != 4 {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	if _, err := response.Body.Read(make([]byte, 100)); err == nil || err.Error() != "unexpected EOF" {
		t.Errorf("reading on gives %v, want an unexpected EOF", err)
	}
}

// TestClientAddress states whose X-Forwarded-For is believed: nobody's, unless
// a trusted proxy connects.
func TestClientAddress(t *testing.T) {
	for _, test := range []struct {
		name, trusted, forwarded, want string
	}{
		{"no proxy trusted", "", "1.2.3.4", "127.0.0.1"},
		{"another proxy trusted", "10.0.0.0/8", "1.2.3.4", "127.0.0.1"},
		{"trusted proxy", "127.0.0.0/8", "1.2.3.4", "1.2.3.4"},
		{"what the client made up before it", "127.0.0.1/32", "6.6.6.6, 1.2.3.4", "1.2.3.4"},
		{"a private address is not trusted by itself", "127.0.0.1/32", "1.2.3.4, 10.0.0.1", "10.0.0.1"},
		{"prefix with host bits", "127.0.0.9/8", "2001:db8::1", "2001:db8::1"},
		{"nonsense", "127.0.0.1/32", "localhost", "127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var opts web.Options
			if test.trusted != "" {
				opts.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(test.trusted)}
			}
			e := web.New(&opts)
			e.GET("/x", func(c echo.Context) error { return c.String(http.StatusOK, c.RealIP()) })
			if got := start(t, e, nil).get("/x", "X-Forwarded-For", test.forwarded); string(got.body) != test.want {
				t.Errorf("client is %q, want %q", got.body, test.want)
			}
		})
	}
}

// TestAnswersAreNotSniffed states that no browser guesses at content types,
// and that URLs in JSON stay readable.
func TestAnswersAreNotSniffed(t *testing.T) {
	e := web.New(nil)
	e.GET("/x", func(c echo.Context) error { return c.JSON(http.StatusOK, "a&b<c>") })
	got := start(t, e, nil).get("/x")
	if got.Header.Get("X-Content-Type-Options") != "nosniff" || string(got.body) != "\"a&b<c>\"\n" {
		t.Errorf("got %q, headers %v", got.body, got.Header)
	}
}
