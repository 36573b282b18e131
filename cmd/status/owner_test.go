package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

const (
	owner    = authtest.Tenant + "/" + authtest.Object
	stranger = "55555555-eeee-4eee-8eee-555555555555" // an object of the same tenant
)

// entraEnvironment gives one of a service that trusts issuer.
func entraEnvironment(t *testing.T, issuer *authtest.Issuer) map[string]string {
	t.Helper()
	environ := environment(t)
	makeContainer(t, environ)
	environ["AUTH_MODE"], environ["AUTH_ISSUER"], environ["AUTH_AUDIENCE"] = "entra", issuer.URL(), authtest.Audience
	return environ
}

// jobsOf gives ids of jobs of owner, one in every state, by the status that
// its owner sees.
func jobsOf(t *testing.T, environ map[string]string) map[int]job.ID {
	t.Helper()
	clients := azuretest.Clients(t, environ["STORAGE_CONNECTION_STRING"])
	records := tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: environ["TABLE_PREFIX"]})
	now := time.Now().UTC()
	known := func(status job.Status) job.ID {
		r := job.Record{ID: idOf(t, owner, 0), Operation: "nap", Owner: owner, Status: status, SubmittedAt: now, UpdatedAt: now, Attempt: 1}
		if status.Terminal() {
			r.FinishedAt, r.Result, r.Failure = now, &job.Result{Blob: "x", Size: 1}, &job.Failure{Code: job.CodeCanceled, Message: "why"}
		}
		if err := records.Insert(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	return map[int]job.ID{
		http.StatusAccepted:            known(job.StatusRunning),
		http.StatusFound:               known(job.StatusSucceeded),
		http.StatusUnprocessableEntity: known(job.StatusFailed),
		http.StatusConflict:            known(job.StatusCanceled),
		http.StatusGone:                idOf(t, owner, 200*time.Hour),
	}
}

// idOf gives an id that was issued to owner and is not by chance, which is
// one in 65,536, good for the stranger too.
func idOf(t *testing.T, owner string, age time.Duration) job.ID {
	t.Helper()
	ring, err := job.NewKeyRing(ticketKey)
	if err != nil {
		t.Fatal(err)
	}
	issuer := job.NewIssuer(ring, func() time.Time { return time.Now().Add(-age) })
	for {
		if id := issuer.Issue(owner); !ring.Verify(id, authtest.Tenant+"/"+stranger) {
			return id
		}
	}
}

// visitor is somebody with a token.
type visitor struct {
	t     *testing.T
	url   string
	token string
}

// ask sends a request about a job and gives the answer, follows no redirect,
// and reads an event stream no further than its beginning.
func (v visitor) ask(method, path string) (*http.Response, string) {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	if v.token != "" {
		request.Header.Set("Authorization", "Bearer "+v.token)
	}
	request.Close = true
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	body := make([]byte, 64<<10)
	n, err := io.ReadAtLeast(response.Body, body, 1)
	if err != nil && err != io.EOF {
		v.t.Fatal(err)
	}
	return response, string(body[:n])
}

// sees gives all of an answer that does not differ from request to request.
func (v visitor) sees(method, path, id string) string {
	v.t.Helper()
	response, body := v.ask(method, strings.Replace(path, "ID", id, 1))
	var all bytes.Buffer
	all.WriteString(response.Status + "\n")
	for _, name := range slices.Sorted(maps.Keys(response.Header)) {
		value := strings.Join(response.Header[name], ", ")
		switch name {
		case "X-Ms-Request-Id":
			body = strings.ReplaceAll(body, value, "REQUEST")
			value = "REQUEST"
		case "Traceparent", "Date":
			value = "CHANGES"
		}
		all.WriteString(name + ": " + value + "\n")
	}
	all.WriteString(body)
	return strings.ReplaceAll(all.String(), id, "ID")
}

// requests are what can be asked about a job.
var requests = []struct{ method, path string }{
	{http.MethodGet, "/api/RequestStatus/ID"},
	{http.MethodHead, "/api/RequestStatus/ID"},
	{http.MethodGet, "/api/RequestStatus/ID?onComplete=stream"},
	{http.MethodGet, "/api/RequestStatus/ID?onComplete=json&onPending=synchronous"}, // does not wait: there is nothing to wait for
	{http.MethodGet, "/api/RequestStatus/ID/result"},
	{http.MethodGet, "/api/RequestStatus/ID/events"},
	{http.MethodGet, "/api/operations/ID"},
	{http.MethodDelete, "/api/RequestStatus/ID"},
}

// TestStranger keeps the promise that somebody else's job cannot be told from
// one that never was, in whatever state it is, whatever is asked and whether
// or not the service has it in memory; and that nothing happens to it.
func TestStranger(t *testing.T) {
	issuer := authtest.NewIssuer(t)
	environ := entraEnvironment(t, issuer)
	p := start(t, environ)
	claims := issuer.Claims("Jobs.Read", "Jobs.Cancel")
	mine := visitor{t, p.url, issuer.Sign(t, claims)}
	theirs := visitor{t, p.url, issuer.Sign(t, claims.With("oid", stranger))}

	jobs := jobsOf(t, environ)
	queued, expired := idOf(t, owner, 0), idOf(t, owner, 3*time.Hour)
	all := append(slices.Collect(maps.Values(jobs)), queued, expired)
	for _, request := range requests {
		for _, id := range all {
			never := idOf(t, "nobody", time.Since(id.Time()))
			want := theirs.sees(request.method, request.path, never.String())
			if !strings.HasPrefix(want, "404 ") {
				t.Fatalf("%s %s of a job that never was: %s", request.method, request.path, want)
			}
			for range 2 {
				if got := theirs.sees(request.method, request.path, id.String()); got != want {
					t.Errorf("%s %s of somebody else's job:\n%s\n\nof none:\n%s", request.method, request.path, got, want)
				}
			}
			mine.ask(http.MethodHead, "/api/RequestStatus/"+id.String()) // has it kept in memory
		}
	}
	jobs[http.StatusAccepted+1000] = queued
	for want, id := range jobs {
		if response, body := mine.ask(http.MethodGet, "/api/RequestStatus/"+id.String()); response.StatusCode != want%1000 {
			t.Errorf("the owner sees %s, want %d: %s", response.Status, want%1000, body)
		}
	}
}

// TestActions keeps the promise that reading and canceling take a role each,
// that probes take none, and that without a token nothing is told at all.
func TestActions(t *testing.T) {
	issuer := authtest.NewIssuer(t)
	environ := entraEnvironment(t, issuer)
	environ["AUTH_CANCEL_ROLES"] = "Stop,Operate"
	p := start(t, environ)
	path := "/api/RequestStatus/" + idOf(t, owner, 0).String()
	other := issuer.Claims("Jobs.Read").With("tid", stranger)
	for _, test := range []struct {
		name, token, method, path string
		want                      int
	}{
		{"no token", "", http.MethodGet, path, 401},
		{"no token, no such id", "", http.MethodGet, "/api/RequestStatus/x", 401},
		{"no token", "", http.MethodDelete, path, 401},
		{"another tenant", issuer.Sign(t, other), http.MethodGet, path, 401},
		{"no role", issuer.Token(t), http.MethodGet, path, 403},
		{"the role to submit", issuer.Token(t, "Jobs.Submit"), http.MethodGet, path, 403},
		{"the role to cancel", issuer.Token(t, "Stop"), http.MethodGet, path, 403},
		{"the role to read", issuer.Token(t, "Jobs.Read"), http.MethodDelete, path, 403},
		{"the role to read", issuer.Token(t, "Jobs.Read"), http.MethodGet, path, 202},
		{"the role to read", issuer.Token(t, "Jobs.Read"), http.MethodGet, "/api/RequestStatus/x", 400},
		{"one of the roles to cancel", issuer.Token(t, "Operate"), http.MethodDelete, path, 202},
		{"the role to read", issuer.Token(t, "Jobs.Read"), http.MethodGet, path, 409},
		{"a probe", "", http.MethodGet, "/healthz", 200},
		{"a probe", "", http.MethodGet, "/readyz", 200},
	} {
		response, body := visitor{t, p.url, test.token}.ask(test.method, test.path)
		challenged := strings.HasPrefix(response.Header.Get("WWW-Authenticate"), "Bearer ")
		if response.StatusCode != test.want || challenged != (test.want == 401 || test.want == 403) {
			t.Errorf("%s: %s %s = %s, want %d: %s", test.name, test.method, test.path, response.Status, test.want, body)
		}
	}
}

// TestIssuerDown keeps the promise that readiness says that the issuer is
// what is missing.
func TestIssuerDown(t *testing.T) {
	issuer := authtest.NewIssuer(t)
	issuer.SetDown(true)
	p := start(t, entraEnvironment(t, issuer))
	if response, body := get(t, p.url+"/readyz"); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `"failing":["issuer"]`) {
		t.Errorf("readyz = %s %s", response.Status, body)
	}
}
