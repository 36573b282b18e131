package acceptor_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestAccepted states the 202 to the letter: absolute URLs from the
// configuration whatever Host says, the same in headers and body, and an id
// that is genuine.
func TestAccepted(t *testing.T) {
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, StatusBaseURL: statusBaseURL + "/"}, nil)
	before := time.Now()
	got := s.post("/api/anything", strings.NewReader("payload"), "Content-Type", "text/plain", "X-Forwarded-Host", "evil.example")
	if got.StatusCode != http.StatusAccepted {
		t.Fatalf("answered %s: %s", got.Status, got.body)
	}
	m := sent.sent()[0]
	id := m.ID.String()
	body := decode[acceptor.Accepted](t, got)
	want := acceptor.Accepted{
		ID: m.ID, Status: "Accepted", SubmittedAt: m.SubmittedAt, RetryAfter: 1,
		StatusURL:    statusBaseURL + "/api/RequestStatus/" + id,
		OperationURL: statusBaseURL + "/api/operations/" + id,
	}
	if body != want {
		t.Errorf("body %+v, want %+v", body, want)
	}
	var members map[string]any
	if err := json.Unmarshal(got.body, &members); err != nil || len(members) != 6 {
		t.Errorf("body %s, want the members id, status, statusUrl, operationUrl, submittedAt, retryAfter", got.body)
	}
	for name, value := range map[string]string{
		"Location":           want.StatusURL,
		"Operation-Location": want.OperationURL,
		"Retry-After":        "1",
		"Cache-Control":      "no-store",
		"Content-Type":       "application/json",
		"Preference-Applied": "",
	} {
		if got.Header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), value)
		}
	}
	if !s.keys.Verify(m.ID, "") || m.SubmittedAt.Before(before) || m.SubmittedAt.Location() != time.UTC {
		t.Errorf("id %s, submitted %v", m.ID, m.SubmittedAt)
	}
}

// TestAcceptedIsJSON states that the body of a 202 is what encoding/json makes
// of it, with nothing escaped for HTML.
func TestAcceptedIsJSON(t *testing.T) {
	for _, base := range []string{statusBaseURL, "https://[::1]:8443", "https://host/a\"b\\c<d>&\u00fc/%22"} {
		s := start(t, acceptor.Options{StatusBaseURL: base}, nil)
		for _, query := range []string{"", "?onPending=synchronous&oncomplete=stream"} {
			got := s.post("/api/anything"+query, nil)
			var want bytes.Buffer
			encoder := json.NewEncoder(&want)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(decode[acceptor.Accepted](t, got)); err != nil || string(got.body) != want.String() {
				t.Errorf("answered %s, %v\nwant     %s", got.body, err, &want)
			}
			if got.ContentLength != int64(want.Len()) {
				t.Errorf("Content-Length %d of %d bytes", got.ContentLength, want.Len())
			}
		}
	}
}

// TestRequestsKeepApart states that payloads taken in at the same time, and one
// after another in the same memory, reach the queue or the store as they were
// sent, each with the answer that names its job.
func TestRequestsKeepApart(t *testing.T) {
	sent := &queue{}
	payloads, _ := payloadStore(t)
	s := start(t, acceptor.Options{Sender: sent, Payloads: payloads, InlineLimit: 20 << 10}, nil)
	contents := sync.Map{}
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for i := range 12 {
				content := bytes.Repeat([]byte{byte('a' + client)}, i*i*200+i) // up to 24 KB
				if i%3 == 2 {
					s.post("/api/small", bytes.NewReader(bytes.Repeat([]byte("z"), 2000)), "Content-Type", "text/plain") // a 413
				}
				got := s.post("/api/anything", bytes.NewReader(content), "Content-Type", "application/x-test")
				if got.StatusCode != http.StatusAccepted {
					t.Errorf("answered %s: %s", got.Status, got.body)
					continue
				}
				contents.Store(decode[acceptor.Accepted](t, got).ID, content)
			}
		})
	}
	clients.Wait()
	messages := sent.sent()
	if len(messages) != 8*12 {
		t.Errorf("%d messages", len(messages))
	}
	for _, m := range messages {
		content, _ := contents.LoadAndDelete(m.ID)
		want, _ := content.([]byte)
		checkPayload(t, payloads, m, want, len(want) > 20<<10)
	}
}

// TestMessage states what the queue is given of a request.
func TestMessage(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, test := range []struct {
		name, path, body string
		header           []string
		want             job.Message
	}{
		{
			name: "payload, type and trace", path: "/api/anything", body: "payload",
			header: []string{"Content-Type", "text/plain; charset=utf-8", "traceparent", trace, "tracestate", "a=b"},
			want: job.Message{Operation: "anything", Body: []byte("payload"), ContentType: "text/plain; charset=utf-8",
				TraceParent: trace, TraceState: "a=b", TimeToLive: time.Hour},
		},
		{
			name: "nothing", path: "/api/anything",
			want: job.Message{Operation: "anything", Body: []byte{}, ContentType: "application/octet-stream", TimeToLive: time.Hour},
		},
		{
			name: "identity coding", path: "/api/anything", header: []string{"Content-Encoding", "identity"},
			want: job.Message{Operation: "anything", Body: []byte{}, ContentType: "application/octet-stream", TimeToLive: time.Hour},
		},
		{
			name: "any parameters", path: "/api/anything?b=2&a=1&onComplete=json&a=%26",
			want: job.Message{Operation: "anything", Body: []byte{}, ContentType: "application/octet-stream", TimeToLive: time.Hour,
				Query: "a=1&a=%26&b=2"},
		},
		{
			name: "parameters by default", path: "/api/thumbnail", header: asPNG,
			want: job.Message{Operation: "thumbnail", Body: []byte{}, ContentType: "image/png", TimeToLive: 24 * time.Hour, Query: "width=256"},
		},
		{
			name: "document of a schema", path: "/api/customer", body: `{"id":"1","customername":"Ann"}`, header: asJSON,
			want: job.Message{Operation: "customer", Body: []byte(`{"id":"1","customername":"Ann"}`), ContentType: "application/json",
				TimeToLive: 24 * time.Hour},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			sent := &queue{}
			s := start(t, acceptor.Options{Sender: sent}, nil)
			got := s.post(test.path, strings.NewReader(test.body), test.header...)
			if got.StatusCode != http.StatusAccepted {
				t.Fatalf("answered %s: %s", got.Status, got.body)
			}
			m := sent.sent()[0]
			want := test.want
			want.ID, want.SubmittedAt, want.Attempt = m.ID, m.SubmittedAt, 1
			want.StatusURL = statusBaseURL + "/api/RequestStatus/" + m.ID.String()
			if want.TraceParent == "" {
				want.TraceParent = got.Header.Get("traceparent")
			}
			if !reflect.DeepEqual(m, want) {
				t.Errorf("queued\n%+v, want\n%+v", m, want)
			}
		})
	}
}

// TestVariants states that what a caller asks of the status service when
// posting is carried into the URLs to poll, in canonical form, and kept from
// the operation.
func TestVariants(t *testing.T) {
	for query, want := range map[string]string{
		"":                       "",
		"?onComplete=redirect":   "?onComplete=redirect",
		"?onComplete=stream":     "?onComplete=stream",
		"?OnComplete=Stream":     "?onComplete=stream",
		"?onPending=Synchronous": "?onPending=synchronous",
		"?onPending=accepted&width=5&on%43omplete=json": "?onComplete=json&onPending=accepted",
	} {
		sent := &queue{}
		s := start(t, acceptor.Options{Sender: sent}, nil)
		got := s.post("/api/thumbnail"+query, nil, asPNG...)
		if got.StatusCode != http.StatusAccepted {
			t.Errorf("%s: answered %s: %s", query, got.Status, got.body)
			continue
		}
		for name, path := range map[string]string{"Location": "/api/RequestStatus/", "Operation-Location": "/api/operations/"} {
			if full := statusBaseURL + path + sent.sent()[0].ID.String() + want; got.Header.Get(name) != full {
				t.Errorf("%s: %s %q, want %q", query, name, got.Header.Get(name), full)
			}
		}
		if m := sent.sent()[0]; strings.Contains(strings.ToLower(m.Query+m.StatusURL), "onco") {
			t.Errorf("%s: the operation is given %q, %q", query, m.Query, m.StatusURL)
		}
	}
}

// TestPreferences states that respond-async is honoured and said to be
// (RFC 7240), and that other preferences are ignored.
func TestPreferences(t *testing.T) {
	s := start(t, acceptor.Options{}, nil)
	for _, test := range []struct {
		headers []string
		want    string
	}{
		{[]string{"respond-async"}, "respond-async"},
		{[]string{"wait=10, Respond-Async"}, "respond-async"},
		{[]string{"return=minimal", "respond-async; x=y"}, "respond-async"},
		{[]string{"wait=10"}, ""},
		{[]string{"respond-async-not"}, ""},
	} {
		var header []string
		for _, line := range test.headers {
			header = append(header, "Prefer", line)
		}
		got := s.post("/api/anything", nil, header...)
		if got.StatusCode != http.StatusAccepted || got.Header.Get("Preference-Applied") != test.want {
			t.Errorf("Prefer %q: %s, Preference-Applied %q", test.headers, got.Status, got.Header.Get("Preference-Applied"))
		}
	}
}

// TestRetryAfter states that the estimate is asked for by operation, rounded
// up to whole seconds, and kept between 1 and 60.
func TestRetryAfter(t *testing.T) {
	for estimate, want := range map[time.Duration]int{
		-time.Second: 1, 0: 1, time.Millisecond: 1, time.Second: 1, 1001 * time.Millisecond: 2, time.Hour: 60,
	} {
		asked := ""
		s := start(t, acceptor.Options{RetryAfter: func(operation string) time.Duration {
			asked = operation
			return estimate
		}}, nil)
		got := s.post("/api/anything", nil)
		if got.Header.Get("Retry-After") != strconv.Itoa(want) || decode[acceptor.Accepted](t, got).RetryAfter != want || asked != "anything" {
			t.Errorf("estimate %v of %q: Retry-After %s, want %d", estimate, asked, got.Header.Get("Retry-After"), want)
		}
	}
}

// TestListing states that callers can find out what there is.
func TestListing(t *testing.T) {
	s := start(t, acceptor.Options{}, nil)
	list := decode[struct{ Operations []acceptor.Description }](t, s.do(http.MethodGet, "/api", nil)).Operations
	if len(list) != 5 || list[0].Name != "anything" || list[0].Description != "Takes anything." {
		t.Errorf("listed %+v", list)
	}
	got := decode[acceptor.Description](t, s.do(http.MethodGet, "/api/thumbnail", nil))
	if got.Path != "/api/thumbnail" || got.MaxPayload != 100<<20 || !reflect.DeepEqual(got.ContentTypes, []string{"image/png", "image/jpeg"}) {
		t.Errorf("described %+v", got)
	}
	if width, _ := got.Parameters["width"].(map[string]any); width["maximum"] != 4096.0 || got.Schema != nil {
		t.Errorf("parameters %v, schema %v", got.Parameters, got.Schema)
	}
	if schema := list[1].Schema; !reflect.DeepEqual(schema["required"], []any{"id", "customername"}) || list[1].Parameters != nil {
		t.Errorf("schema %v, parameters %v", schema, list[1].Parameters)
	}
}
