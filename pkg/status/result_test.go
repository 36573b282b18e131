package status_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/status"
)

// TestBytesComeBackThroughTheValetKey states that the link of a 302, and that
// of onComplete=json, read the result and nothing else.
func TestBytesComeBackThroughTheValetKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	r := f.succeed(f.run(f.issue(0)), "the result", "text/csv", "report.csv")

	t.Run("redirect", func(t *testing.T) {
		f := f.with(t)
		for _, path := range []string{statusPath(r.ID), statusPath(r.ID) + "/result"} {
			redirect := f.get(path)
			redirect.wantHeader(t, "Referrer-Policy", "no-referrer")
			f.wantResult(redirect.Header.Get("Location"))
		}
	})
	t.Run("json", func(t *testing.T) {
		f := f.with(t)
		sum := sha256.Sum256([]byte("the result"))
		a := f.get(statusPath(r.ID) + "?onComplete=json")
		body := a.json(t)
		wantMembers(t, body, map[string]any{
			"id": r.ID.String(), "status": "Succeeded", "size": 10.0, "type": "text/csv", "fileName": "report.csv",
		})
		if digest, _ := body["digest"].(map[string]any); digest["sha-256"] != hex.EncodeToString(sum[:]) {
			t.Errorf("digest = %v", body["digest"])
		}
		expires, err := time.Parse(time.RFC3339, body["expiresAt"].(string))
		if left := time.Until(expires); err != nil || left < 9*time.Minute || left > 10*time.Minute {
			t.Errorf("expiresAt = %v, %v", body["expiresAt"], err)
		}
		f.wantResult(body["resultUrl"].(string))
	})
}

// wantResult reads a link and then tries to do more with it.
func (f *fixture) wantResult(link string) {
	f.t.Helper()
	a := f.get(link)
	a.wantStatus(f.t, http.StatusOK)
	a.wantHeader(f.t, "Content-Type", "text/csv")
	a.wantHeader(f.t, "Content-Disposition", `attachment; filename="report.csv"`)
	if string(a.body) != "the result" {
		f.t.Errorf("result = %q", a.body)
	}
	f.do(http.MethodDelete, link).wantStatus(f.t, http.StatusForbidden)
}

// TestStream states that onComplete=stream serves the result as a file server
// would, ranges and conditions included.
func TestStream(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	const content = "0123456789"
	r := f.succeed(f.run(f.issue(0)), content, "text/plain", "digits.txt")
	sum := sha256.Sum256([]byte(content))
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	for _, c := range []struct {
		name, method string
		headers      []string
		want         int
		body         string
		contentRange string
	}{
		{"whole", "GET", nil, 200, content, ""},
		{"head", "HEAD", nil, 200, "", ""},
		{"first bytes", "GET", []string{"Range", "bytes=0-3"}, 206, "0123", "bytes 0-3/10"},
		{"middle", "GET", []string{"Range", "bytes=4-6"}, 206, "456", "bytes 4-6/10"},
		{"from there on", "GET", []string{"Range", "bytes=7-"}, 206, "789", "bytes 7-9/10"},
		{"last bytes", "GET", []string{"Range", "bytes=-2"}, 206, "89", "bytes 8-9/10"},
		{"several ranges are answered with everything", "GET", []string{"Range", "bytes=0-1,4-5"}, 200, content, ""},
		{"range of the same result", "GET", []string{"Range", "bytes=8-", "If-Range", tag}, 206, "89", "bytes 8-9/10"},
		{"range of another result", "GET", []string{"Range", "bytes=8-", "If-Range", `"other"`}, 200, content, ""},
		{"known already", "GET", []string{"If-None-Match", tag}, 304, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.with(t).do(c.method, statusPath(r.ID)+"?onComplete=stream", c.headers...)
			a.wantStatus(t, c.want)
			if string(a.body) != c.body {
				t.Errorf("body = %q, want %q", a.body, c.body)
			}
			a.wantHeader(t, "Etag", tag)
			a.wantHeader(t, "Content-Range", c.contentRange)
			a.wantHeader(t, "Cache-Control", "no-store")
			a.wantHeader(t, "X-Content-Type-Options", "nosniff")
			a.wantHeader(t, "Content-Security-Policy", "default-src 'none'; sandbox")
			if c.want != http.StatusNotModified {
				a.wantHeader(t, "Content-Type", "text/plain")
				a.wantHeader(t, "Content-Disposition", "attachment; filename=digits.txt")
				a.wantHeader(t, "Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
			}
			if c.want == http.StatusOK && a.ContentLength != int64(len(content)) {
				t.Errorf("Content-Length = %d", a.ContentLength)
			}
		})
	}
}

// TestStreamRefusals states that what cannot be streamed is a problem, without
// the headers of the result that it is not.
func TestStreamRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	r := f.succeed(f.run(f.issue(0)), "0123456789", "text/html", "page.html")

	t.Run("a range behind the end", func(t *testing.T) {
		a := f.with(t).get(statusPath(r.ID)+"?onComplete=stream", "Range", "bytes=10-")
		a.wantStatus(t, http.StatusRequestedRangeNotSatisfiable)
		a.wantHeader(t, "Content-Range", "bytes */10")
		wantProblem(t, a, "InvalidRequest")
	})
	t.Run("a result that is gone", func(t *testing.T) {
		f := f.with(t)
		if err := f.results.Delete(t.Context(), r.Result.Blob); err != nil {
			t.Fatal(err)
		}
		a := f.get(statusPath(r.ID) + "?onComplete=stream")
		a.wantStatus(t, http.StatusGone)
		wantProblem(t, a, "Gone")
	})
}

func wantProblem(t *testing.T, a answer, code string) {
	t.Helper()
	a.wantHeader(t, "Content-Type", "application/problem+json")
	a.wantHeader(t, "X-Ms-Error-Code", code)
	a.wantHeader(t, "Content-Disposition", "")
	a.wantHeader(t, "Etag", "")
	a.wantHeader(t, "Repr-Digest", "")
	if a.json(t)["code"] != code {
		t.Errorf("problem = %s", a.body)
	}
}

// TestStreamOfOddResults states that an empty result is one, and that what a
// handler says about its result cannot do harm in headers.
func TestStreamOfOddResults(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, c := range []struct {
		name, content, contentType, fileName string
		wantType, wantDisposition            string
	}{
		{"empty", "", "", "", "application/octet-stream", "inline"},
		{"not ASCII", "x", "text/plain", "Grüße.txt", "text/plain", "attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt"},
		{"with a path", "x", "text/plain", `..\..\etc/passwd`, "text/plain", "attachment; filename=passwd"},
		{"breaking the line", "x", "text/plain\r\nSet-Cookie: a=b", "a\r\nb", "application/octet-stream", "attachment; filename*=utf-8''a%0D%0Ab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.with(t)
			r := f.succeed(f.run(f.issue(0)), c.content, c.contentType, c.fileName)
			a := f.get(statusPath(r.ID) + "?onComplete=stream")
			a.wantStatus(t, http.StatusOK)
			a.wantHeader(t, "Content-Type", c.wantType)
			a.wantHeader(t, "Content-Disposition", c.wantDisposition)
			a.wantHeader(t, "Set-Cookie", "")
			if string(a.body) != c.content {
				t.Errorf("body = %q, want %q", a.body, c.content)
			}
		})
	}
}

// TestLinksKeepTheChoice states that what a caller chose once stays chosen in
// every link that it is given, and that links come from configuration and not
// from the Host header.
func TestLinksKeepTheChoice(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *status.Options) { o.BaseURL = "https://public.example/jobs/" })
	const base = "https://public.example/jobs"
	id := f.issue(0)
	pending := f.get(statusPath(id)+"?onComplete=stream&other=1", "Prefer", "wait=0")
	pending.wantHeader(t, "Location", base+statusPath(id)+"?onComplete=stream")
	wantMembers(t, pending.json(t), map[string]any{
		"statusUrl": base + statusPath(id) + "?onComplete=stream", "operationUrl": base + operationPath(id) + "?onComplete=stream",
	})
	r := f.succeed(f.run(f.issue(0)), strings.Repeat("x", 10), "text/plain", "")
	monitor := f.get(operationPath(r.ID) + "?onComplete=stream&onPending=synchronous")
	wantMembers(t, monitor.json(t), map[string]any{"resourceLocation": base + statusPath(r.ID) + "/result?onComplete=stream"})
	monitor.wantHeader(t, "Operation-Location", base+operationPath(r.ID)+"?onComplete=stream&onPending=synchronous")
}

// TestMonitor keeps the members of Azure's status monitor in each state.
func TestMonitor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	queued, running := f.issue(0), f.update(f.run(f.issue(0)).Heartbeat(25, "", time.Now()))
	failed := f.update(f.run(f.issue(0)).Fail(job.Failure{Code: "TooBlurred", Message: "Take it again."}, time.Now()))
	canceled := f.update(f.run(f.issue(0)).Cancel(time.Now()))
	succeeded := f.succeed(f.run(f.issue(0)), "x", "text/plain", "")
	for _, c := range []struct {
		id         job.ID
		want       map[string]any
		wantError  any
		retryAfter string
	}{
		{queued, map[string]any{"status": "NotStarted", "percentComplete": 0.0, "resourceLocation": nil}, nil, "1"},
		{running.ID, map[string]any{"status": "Running", "percentComplete": 25.0, "createdDateTime": running.SubmittedAt.Format(time.RFC3339Nano)}, nil, "1"},
		{failed.ID, map[string]any{"status": "Failed", "resourceLocation": nil}, "TooBlurred", ""},
		{canceled.ID, map[string]any{"status": "Canceled", "resourceLocation": nil}, "Canceled", ""},
		{succeeded.ID, map[string]any{"status": "Succeeded", "percentComplete": 100.0, "resourceLocation": f.base + statusPath(succeeded.ID) + "/result"}, nil, ""},
	} {
		a := f.get(operationPath(c.id))
		a.wantStatus(t, http.StatusOK)
		a.wantHeader(t, "Retry-After", c.retryAfter)
		body := a.json(t)
		c.want["id"] = c.id.String()
		wantMembers(t, body, c.want)
		failure, _ := body["error"].(map[string]any)
		if failure["code"] != c.wantError {
			t.Errorf("error of %v = %v, want %v", c.want["status"], failure, c.wantError)
		}
		if body["lastActionDateTime"] == nil || body["createdDateTime"] == nil {
			t.Errorf("times are missing: %s", a.body)
		}
	}
}
