package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// TestTraceContext states that a well-formed trace is taken over and any other
// is replaced by a new one, its state dropped.
func TestTraceContext(t *testing.T) {
	const (
		id     = "4bf92f3577b34da6a3ce929d0e0e4736"
		parent = "00f067aa0ba902b7"
		valid  = "00-" + id + "-" + parent + "-01"
	)
	e := web.New(nil)
	e.GET("/x", func(c echo.Context) error {
		return c.String(http.StatusOK, web.TraceParent(c)+" "+web.TraceState(c))
	})
	s := start(t, e, nil)
	fresh := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-01 $`)
	for _, test := range []struct {
		name, parent, state, want string // want "": a fresh one
	}{
		{"absent", "", "a=b", ""},
		{"version 00", valid, "a=b,c=d", valid + " a=b,c=d"},
		{"not sampled", "00-" + id + "-" + parent + "-00", "", "00-" + id + "-" + parent + "-00 "},
		{"later version", "cc-" + id + "-" + parent + "-01-what-follows", "", valid + " "},
		{"later version run on", "cc-" + id + "-" + parent + "-01.what", "", ""},
		{"version 00 too long", valid + "-00", "", ""},
		{"version ff", "ff-" + id + "-" + parent + "-01", "", ""},
		{"upper case", strings.ToUpper(valid), "", ""},
		{"no trace id", "00-" + strings.Repeat("0", 32) + "-" + parent + "-01", "", ""},
		{"no parent id", "00-" + id + "-" + strings.Repeat("0", 16) + "-01", "", ""},
		{"not hexadecimal", "00-" + strings.Repeat("g", 32) + "-" + parent + "-01", "", ""},
		{"too short", valid[:54], "", ""},
		{"separators", strings.ReplaceAll(valid, "-", "_"), "", ""},
		{"state too long", valid, "a=" + strings.Repeat("b", 511), valid + " "},
	} {
		t.Run(test.name, func(t *testing.T) {
			var header []string
			if test.parent != "" {
				header = append(header, "traceparent", test.parent)
			}
			got := s.get("/x", append(header, "tracestate", test.state)...)
			text := string(got.body)
			if test.want == "" && !fresh.MatchString(text) || test.want != "" && text != test.want {
				t.Errorf("got %q, want %q", text, test.want)
			}
			if answered := got.Header.Get("traceparent"); answered != text[:55] {
				t.Errorf("answered traceparent %q, want %q", answered, text[:55])
			}
		})
	}
	if got := s.get("/x", "traceparent", valid, "traceparent", valid); !fresh.Match(got.body) {
		t.Errorf("two traceparents: %q, want a fresh one", got.body)
	}
	if one, two := s.get("/x"), s.get("/x"); string(one.body) == string(two.body) {
		t.Errorf("two requests share the fresh trace %s", one.body)
	}
}
