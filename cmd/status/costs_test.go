package main

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// TestStorageCosts states what docs/performance.md says that polls, redirects
// and cancels cost in calls to storage. (Package status counts what many polls
// of one id cost.)
func TestStorageCosts(t *testing.T) {
	environ := environment(t)
	account := azuretest.NewAccount(t, environ["STORAGE_CONNECTION_STRING"])
	environ["STORAGE_CONNECTION_STRING"] = account.ConnectionString()
	makeContainer(t, environ)
	p := start(t, environ)
	done := storeDone(t, environ["TABLE_PREFIX"])
	queued, forged := issue(t, 0), issue(t, 0)
	forged[len(forged)-1] ^= 1
	for _, test := range []struct {
		name, method string
		id           job.ID
		answer       int
		want         map[string]int
	}{
		{"poll of a queued job", http.MethodGet, queued, http.StatusAccepted, map[string]int{"table GET": 1}},
		{"poll within the second", http.MethodGet, queued, http.StatusAccepted, map[string]int{}},
		{"first redirect", http.MethodGet, done, http.StatusFound, map[string]int{"table GET": 1}},
		{"redirect again", http.MethodGet, done, http.StatusFound, map[string]int{}},
		{"cancel of a queued job", http.MethodDelete, queued, http.StatusAccepted, map[string]int{"table GET": 1, "table POST": 1}},
		{"poll after the cancel", http.MethodGet, queued, http.StatusConflict, map[string]int{}},
		{"expired id", http.MethodGet, issue(t, 30*24*time.Hour), http.StatusGone, map[string]int{}},
		{"forged id", http.MethodGet, forged, http.StatusNotFound, map[string]int{"table GET": 1}},
		{"forged id again", http.MethodGet, forged, http.StatusNotFound, map[string]int{}},
	} {
		got := account.Count(func() {
			if status := request(t, test.method, p.url+"/api/RequestStatus/"+test.id.String()); status != test.answer {
				t.Errorf("%s: answered %d, want %d", test.name, status, test.answer)
			}
		})
		if !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// storeDone stores the record of a job that has succeeded.
func storeDone(t *testing.T, prefix string) job.ID {
	t.Helper()
	clients := azuretest.Clients(t, localazuretest.Storage(t).ConnectionString())
	id, now := issue(t, 0), time.Now()
	r, err := job.Claim(&job.Message{ID: id, Operation: "nap", SubmittedAt: now}, now).Succeed(job.Result{Blob: id.Day() + "/" + id.String()}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: prefix}).Insert(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	return id
}

// request gives the status that a request is answered with.
func request(t *testing.T, method, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	response, err := http.DefaultTransport.RoundTrip(r) // does not follow redirects
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
