package acceptor_test

import (
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// refusals are requests that are not accepted, and why.
var refusals = []struct {
	name, method, path string
	body               string
	chunked            bool
	header             []string
	status             int
	code               job.Code
	fields             []string          // pointers and names in errors
	answer             map[string]string // headers of the answer
}{
	{name: "unknown operation", path: "/api/thumbnails", status: 404, code: job.CodeUnknownOperation},
	{name: "no operation", path: "/api/", status: 404, code: job.CodeNotFound},
	{name: "operation with more path", path: "/api/anything/else", status: 404, code: job.CodeUnknownOperation},
	{name: "operation with an escaped slash", path: "/api/any%2Fthing", status: 404, code: job.CodeUnknownOperation},
	{name: "wrong method", method: "PUT", path: "/api/anything", status: 405, code: job.CodeMethodNotAllowed,
		answer: map[string]string{"Allow": "OPTIONS, GET, POST"}},
	{name: "wrong method on the list", method: "DELETE", path: "/api", status: 405, code: job.CodeMethodNotAllowed},

	{name: "unsupported type", path: "/api/thumbnail", body: "x", header: []string{"Content-Type", "image/gif"},
		status: 415, code: job.CodeUnsupportedMediaType, answer: map[string]string{"Accept-Post": "image/png, image/jpeg"}},
	{name: "no type where one is asked for", path: "/api/thumbnail", body: "x",
		status: 415, code: job.CodeUnsupportedMediaType},
	{name: "malformed type", path: "/api/anything", header: []string{"Content-Type", "text/plain; charset"},
		status: 415, code: job.CodeUnsupportedMediaType, answer: map[string]string{"Accept-Post": "*/*"}},
	{name: "endless type", path: "/api/anything", header: []string{"Content-Type", "text/plain; a=" + strings.Repeat("b", 1025)},
		status: 415, code: job.CodeUnsupportedMediaType},
	{name: "compressed", path: "/api/anything", header: []string{"Content-Encoding", "gzip"},
		status: 415, code: job.CodeUnsupportedMediaType, answer: map[string]string{"Accept-Encoding": "identity"}},

	{name: "not JSON", path: "/api/customer", body: `{"id":`, header: asJSON, status: 400, code: job.CodeInvalidPayload,
		fields: []string{""}},
	{name: "empty where a schema asks for more", path: "/api/customer", header: asJSON, status: 400, code: job.CodeInvalidPayload,
		fields: []string{""}},
	{name: "field missing", path: "/api/customer", body: `{"id":"1"}`, header: asJSON,
		status: 400, code: job.CodeInvalidPayload, fields: []string{"/customername"}},
	{name: "field empty", path: "/api/customer", body: `{"id":"","customername":"x"}`, header: asJSON,
		status: 400, code: job.CodeInvalidPayload, fields: []string{"/id"}},
	{name: "field of another type, in chunks", path: "/api/customer", body: `{"id":1,"customername":2}`, chunked: true, header: asJSON,
		status: 400, code: job.CodeInvalidPayload, fields: []string{"/customername", "/id"}},

	{name: "parameter out of range", path: "/api/thumbnail?width=0", header: asPNG, status: 400, code: job.CodeInvalidParameter, fields: []string{"width"}},
	{name: "parameter unknown", path: "/api/thumbnail?height=9", header: asPNG, status: 400, code: job.CodeInvalidParameter, fields: []string{"height"}},
	{name: "query malformed", path: "/api/anything?a=%zz", status: 400, code: job.CodeInvalidParameter, fields: []string{""}},
	{name: "query too long", path: "/api/anything?a=" + strings.Repeat("b", 8<<10), status: 414, code: job.CodeInvalidRequest},
	{name: "query too long when escaped", path: "/api/anything?a=" + strings.Repeat("!", 4<<10), status: 414, code: job.CodeInvalidRequest},
	{name: "onComplete unknown", path: "/api/anything?onComplete=explode", status: 400, code: job.CodeInvalidParameter, fields: []string{"onComplete"}},
	{name: "onComplete twice", path: "/api/anything?onComplete=json&oncomplete=json", status: 400, code: job.CodeInvalidParameter, fields: []string{"onComplete"}},
	{name: "onPending empty", path: "/api/anything?onPending=", status: 400, code: job.CodeInvalidParameter, fields: []string{"onPending"}},
	{name: "onPending malformed", path: "/api/anything?onPending=%zz", status: 400, code: job.CodeInvalidParameter, fields: []string{"onPending"}},

	{name: "too large as announced", path: "/api/small", body: strings.Repeat("x", 1025), status: 413, code: job.CodePayloadTooLarge},
	{name: "too large in chunks", path: "/api/small", body: strings.Repeat("x", 1025), chunked: true, status: 413, code: job.CodePayloadTooLarge},
}

var (
	asJSON = []string{"Content-Type", "application/json"}
	asPNG  = []string{"Content-Type", "image/png"}
)

// TestRefusals states that a request that cannot become a job is told so, with
// the place of the mistake, and leaves nothing behind: no message, no payload.
func TestRefusals(t *testing.T) {
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent}, nil)
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			if test.method == "" {
				test.method = http.MethodPost
			}
			var body io.Reader = strings.NewReader(test.body)
			if test.chunked {
				body = chunked{body}
			}
			got := s.do(test.method, test.path, body, test.header...)
			p := decode[problem](t, got)
			if got.StatusCode != test.status || p.Code != test.code {
				t.Errorf("answered %s, %s, want %d, %s", got.Status, p.Code, test.status, test.code)
			}
			if got.Header.Get("Content-Type") != "application/problem+json" || got.Header.Get("Location") != "" {
				t.Errorf("headers %v", got.Header)
			}
			var fields []string
			for _, violation := range p.Errors {
				fields = append(fields, violation.Pointer+violation.Name)
			}
			slices.Sort(fields)
			if !reflect.DeepEqual(fields, test.fields) {
				t.Errorf("errors %v, want them about %q", p.Errors, test.fields)
			}
			for name, want := range test.answer {
				if got.Header.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
				}
			}
		})
	}
	if n := len(sent.sent()); n != 0 {
		t.Errorf("%d of the refused requests were queued", n)
	}
}

// TestUnknownOperationListsTheKnown states that a caller who mistook the name
// sees the right one.
func TestUnknownOperationListsTheKnown(t *testing.T) {
	s := start(t, acceptor.Options{}, nil)
	want := []string{"anything", "customer", "large-document", "small", "thumbnail"}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if p := decode[problem](t, s.do(method, "/api/nothing", nil)); !reflect.DeepEqual(p.Operations, want) {
			t.Errorf("%s: operations %v, want %v", method, p.Operations, want)
		}
	}
}

// TestTooLargeSaysTheLimit states that a 413 names what would be taken.
func TestTooLargeSaysTheLimit(t *testing.T) {
	s := start(t, acceptor.Options{}, nil)
	if p := decode[problem](t, s.post("/api/small", strings.NewReader(strings.Repeat("x", 1025)))); p.MaxPayload != 1024 {
		t.Errorf("maxPayload %d, want 1024", p.MaxPayload)
	}
}

// TestOwnerDecides states that a caller whom the Owner option does not know is
// refused before anything else, and that a known one owns the job: its id
// verifies for that owner alone.
func TestOwnerDecides(t *testing.T) {
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Owner: func(c echo.Context) (string, error) {
		if name := c.Request().Header.Get("X-Test-Caller"); name != "" {
			return name, nil
		}
		return "", &job.Error{Code: job.CodeUnauthorized, Message: "Who are you?"}
	}}, nil)
	if got := s.post("/api/nothing", nil); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %s", got.Status)
	}
	got := s.post("/api/anything", nil, "X-Test-Caller", "tenant/ann")
	if got.StatusCode != http.StatusAccepted {
		t.Fatalf("ann: %s %s", got.Status, got.body)
	}
	m := sent.sent()[0]
	if m.Owner != "tenant/ann" || !s.keys.Verify(m.ID, "tenant/ann") || s.keys.Verify(m.ID, "") {
		t.Errorf("message of owner %q; verifies for ann: %v", m.Owner, s.keys.Verify(m.ID, "tenant/ann"))
	}
}

// TestOptions states that what is missing or malformed is named.
func TestOptions(t *testing.T) {
	s := start(t, acceptor.Options{}, nil)
	for _, test := range []struct {
		name, url, want string
		drop            func(*acceptor.Options)
	}{
		{name: "no sender", drop: func(o *acceptor.Options) { o.Sender = nil }, want: "Sender"},
		{name: "relative", url: "/status", want: "StatusBaseURL"},
		{name: "no scheme", url: "status.example", want: "StatusBaseURL"},
		{name: "another scheme", url: "ftp://status.example", want: "StatusBaseURL"},
		{name: "query", url: "https://status.example?x", want: "StatusBaseURL"},
		{name: "credentials", url: "https://me@status.example", want: "StatusBaseURL"},
		{name: "malformed", url: "https://status example", want: "StatusBaseURL"},
	} {
		opts := acceptor.Options{StatusBaseURL: test.url}
		fill(t, &opts, s.keys)
		if test.drop != nil {
			test.drop(&opts)
		}
		if _, err := acceptor.New(&opts); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: New = %v, want an error about %s", test.name, err, test.want)
		}
	}
}
