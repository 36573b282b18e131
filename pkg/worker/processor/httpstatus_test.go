package processor_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// What a status means: success, another attempt and when, or the end with the
// backend's own words.
func TestHTTPStatus(t *testing.T) {
	tests := []struct {
		status      int
		retryAfter  string
		contentType string
		body        string
		permanent   bool
		after       time.Duration
		detail      string
	}{
		{status: 500, body: "secret stack trace"},
		{status: 503, retryAfter: "120", after: 2 * time.Minute},
		{status: 501},
		{status: 599},
		{status: 429, retryAfter: "7", after: 7 * time.Second},
		{status: 429, retryAfter: "-5"},
		{status: 429, retryAfter: "soon"},
		{status: 429, retryAfter: "99999999999999", after: 365 * 24 * time.Hour},
		{status: 408},
		{status: 425},
		{status: 400, contentType: "application/json", body: "{\n  \"a\": 1 }", permanent: true, detail: `{"a":1}`},
		{status: 422, contentType: "application/problem+json; charset=utf-8", body: `{"title":"<no>"}`, permanent: true, detail: `{"title":"<no>"}`},
		{status: 400, contentType: "application/json", body: `{"a":`, permanent: true, detail: `"{\"a\":"`},
		{status: 404, contentType: "text/plain", body: " no such thing\n", permanent: true, detail: `"no such thing"`},
		{status: 404, contentType: "text/html", body: "<b>&</b>", permanent: true, detail: `"<b>&</b>"`},
		{status: 409, permanent: true},
		{status: 400, contentType: "application/octet-stream", body: "\x00\x01", permanent: true},
		{status: 400, contentType: "text/plain", body: "\xff\xfe", permanent: true},
		{status: 304, permanent: true},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.status, test.retryAfter, test.contentType), func(t *testing.T) {
			url := backend(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", test.contentType)
				if test.retryAfter != "" {
					w.Header().Set("Retry-After", test.retryAfter)
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			o := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{Payload: []byte("x")})
			v := o.Verdict
			if o.Err == nil || v.Permanent != test.permanent || v.After != test.after || string(v.Failure.Detail) != test.detail {
				t.Errorf("got %v, %+v, detail %s", o.Err, v, v.Failure.Detail)
			}
			if !strings.Contains(v.Failure.Message, fmt.Sprint(test.status)) || strings.Contains(v.Failure.Message, "secret") {
				t.Errorf("message is %q", v.Failure.Message)
			}
			if o.ContentType != "" {
				t.Error("a result was begun")
			}
		})
	}
}

// A date in Retry-After is a wait until then; one in the past is none.
func TestHTTPRetryAfterDate(t *testing.T) {
	for offset, most := range map[time.Duration]time.Duration{time.Minute: time.Minute, -time.Minute: 0} {
		url := backend(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(offset).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		after := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{}).Verdict.After
		if after > most || after < most-30*time.Second {
			t.Errorf("%s: %s", offset, after)
		}
	}
}

// However long the body of a refusal, the detail has at most 16 KiB, is whole
// characters and valid JSON.
func TestHTTPDetailIsBounded(t *testing.T) {
	for name, body := range map[string]string{
		"text": strings.Repeat("é", 1<<20), "quotes": strings.Repeat(`"`, 1<<15), "JSON": "[" + strings.Repeat("1,", 1<<15) + "1]",
	} {
		url := backend(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, body)
		})
		detail := workertest.Run(t.Context(), forward(t, operation.HTTP{URL: url}), workertest.Request{}).Verdict.Failure.Detail
		if len(detail) > 16<<10 || len(detail) < 4<<10 || detail[0] != '"' || detail[len(detail)-1] != '"' {
			t.Errorf("%s: %d bytes: %.20s", name, len(detail), detail)
		}
	}
}
