package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/client"
	"github.com/asyncreply/asyncreply/pkg/job"
)

const someID = "01a1fd92-adc2-84fa-9c25-373d675ffcb4"

// scripted is a status service that gives fixed answers in turn, for what the
// real one does not do. It keeps the questions and when they came.
func scripted(t *testing.T, answers ...func(http.ResponseWriter)) (*client.Job, *questions) {
	t.Helper()
	q := &questions{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := q.add(r)
		answers[min(i, len(answers)-1)](w)
	}))
	t.Cleanup(server.Close)
	c, err := client.New("", &client.Options{StatusURL: server.URL, RetryFor: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	j, err := c.Resume(someID)
	if err != nil {
		t.Fatal(err)
	}
	return j, q
}

type questions struct {
	mu   sync.Mutex
	all  []*http.Request
	when []time.Time
}

func (q *questions) add(r *http.Request) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all, q.when = append(q.all, r), append(q.when, time.Now())
	return len(q.all) - 1
}

func pending(header ...string) func(http.ResponseWriter) {
	return answer(http.StatusAccepted, "application/json", `{"id":"`+someID+`","status":"Running"}`, header...)
}

func answer(code int, contentType, body string, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

var succeeded = answer(http.StatusOK, "application/json", `{"id":"`+someID+`","status":"Succeeded","resultUrl":"http://127.0.0.1:1/","size":1}`)

// TestPollingPace states that a service that does not hold its answers is
// polled at the pace that it asks for, and one that lets go early is not
// besieged.
func TestPollingPace(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(http.ResponseWriter){
		"no long poll":       pending("Retry-After", "1", "ETag", `W/"a"`),
		"lets go early":      pending("Retry-After", "1", "Preference-Applied", "wait=30"),
		"nothing but status": pending(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, q := scripted(t, first, succeeded)
			if _, err := j.Wait(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if q.all[0].Header.Get("Prefer") != "wait=30" {
				t.Errorf("asked with Prefer: %s", q.all[0].Header.Get("Prefer"))
			}
			if gap := q.when[1].Sub(q.when[0]); gap < time.Second {
				t.Errorf("asked again after %s", gap)
			}
		})
	}
}

// TestNewsOnly states that one who wants progress names the state that it
// knows, is told each state once, and asks on at once while the service holds.
func TestNewsOnly(t *testing.T) {
	t.Parallel()
	held := []string{"Preference-Applied", "wait=2", "Retry-After", "60", "ETag"}
	j, q := scripted(t,
		pending("Retry-After", "60", "ETag", `W/"a"`),
		pending(append(held, `W/"b"`)...),
		func(w http.ResponseWriter) {
			time.Sleep(time.Second)
			w.Header().Set("Preference-Applied", "wait=2")
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusNotModified)
		},
		succeeded)
	var seen []job.Status
	_, err := j.Wait(t.Context(), &client.WaitOptions{Progress: func(s *client.Status) { seen = append(seen, s.State) }})
	if err != nil || fmt.Sprint(seen) != "[Running Running Succeeded]" {
		t.Errorf("seen: %v, %v", seen, err)
	}
	var tags []string
	for _, r := range q.all {
		tags = append(tags, r.Header.Get("If-None-Match")+" "+r.Header.Get("Prefer"))
	}
	if want := `[ , W/"a" wait=30, W/"b" wait=30, W/"b" wait=30]`; "["+strings.Join(tags, ", ")+"]" != want {
		t.Errorf("asked %q, want %s", tags, want)
	}
}

// TestForeignAnswers states that an answer that is none of the service's is an
// error that says what came.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		says   string
	}{
		"login page":     {answer(http.StatusOK, "text/html", "<html>"), "not what was expected"},
		"another answer": {answer(http.StatusOK, "application/json", `{"status":"Running"}`), "not what was expected"},
		"not pending":    {answer(http.StatusAccepted, "text/html", "<html>"), "not what was expected"},
		"a redirect":     {answer(http.StatusFound, "text/html", "", "Location", "http://127.0.0.1:1/login"), "HTTP 302"},
		"proxy's answer": {answer(http.StatusBadGateway, "text/html", "<html>"), "Bad Gateway (HTTP 502)"},
		"Azure's header": {answer(http.StatusForbidden, "text/html", "", "x-ms-error-code", "Forbidden"), "Forbidden: Forbidden (HTTP 403)"},
		"another 409":    {answer(http.StatusConflict, "application/problem+json", `{"code":"Conflict","detail":"Later."}`), "Conflict: Later. (HTTP 409)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, _ := scripted(t, test.answer)
			_, err := j.Wait(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), test.says) || client.IsFailed(err) || client.IsCanceled(err) {
				t.Errorf("wait gives %v, want %q", err, test.says)
			}
		})
	}
}

// TestMistakes states that what cannot work is refused before any request.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"localhost:8080", "ftp://example.com", "http://user:pass@example.com", "http://", "http://example.com?x=1"} {
		if _, err := client.New(base, nil); err == nil {
			t.Errorf("%s is taken as an acceptor", base)
		}
		if _, err := client.New("", &client.Options{StatusURL: base}); err == nil {
			t.Errorf("%s is taken as a status service", base)
		}
	}
	here, err := client.New("", &client.Options{StatusURL: "https://status.example"})
	if err != nil {
		t.Fatal(err)
	}
	anywhere, err := client.New("", nil)
	if err != nil {
		t.Fatal(err)
	}
	for token, c := range map[string]*client.Client{
		"https://evil.example/api/RequestStatus/" + someID:  here,
		"http://status.example/api/RequestStatus/" + someID: here,
		"https://status.example/api/RequestStatus/":         here,
		someID:         anywhere,
		"":             anywhere,
		"not a status": anywhere,
	} {
		if j, err := c.Resume(token); err == nil {
			t.Errorf("token %q gives job %s", token, j.ID())
		}
	}
	to, err := client.New("http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*client.Request{
		"no operation": {},
		"long key":     {Operation: "x", IdempotencyKey: strings.Repeat("k", 256)},
		"strange key":  {Operation: "x", IdempotencyKey: "k\n"},
	} {
		if _, err := to.Submit(t.Context(), r); err == nil {
			t.Errorf("%s is submitted", name)
		}
	}
	if _, err := here.Submit(t.Context(), &client.Request{Operation: "x"}); err == nil {
		t.Error("a client without an acceptor submits")
	}
	stop := errors.New("no token")
	refused, err := client.New("http://127.0.0.1:1", &client.Options{Prepare: func(*http.Request) error { return stop }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refused.Operations(t.Context()); !errors.Is(err, stop) {
		t.Errorf("where Prepare fails: %v", err)
	}
}
