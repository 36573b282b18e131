package tally_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/tally"
)

// TestReads states that requests are passed on as they are, and that reads of
// records are counted and nothing else.
func TestReads(t *testing.T) {
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Method+" "+r.URL.RequestURI())
	}))
	defer storage.Close()
	proxy, err := tally.Start(storage.URL + "/account")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	for _, test := range []struct {
		method, path string
		reads        int64
	}{
		{http.MethodGet, "/jobs20261124(PartitionKey='1f',RowKey='x')?%24format=json", 1},
		{http.MethodGet, "/jobs20261124()?%24filter=x", 1},
		{http.MethodGet, "/jobsforeign(PartitionKey='ready',RowKey='ready')", 0},
		{http.MethodPost, "/jobs20261124", 0},
		{http.MethodPut, "/jobs20261124(PartitionKey='1f',RowKey='x')", 0},
		{http.MethodGet, "/Tables", 0},
	} {
		before := proxy.Reads()
		if got, want := ask(t, test.method, proxy.URL()+test.path), test.method+" /account"+test.path; got != want {
			t.Errorf("storage got %q, want %q", got, want)
		}
		if n := proxy.Reads() - before; n != test.reads {
			t.Errorf("%s %s counts as %d reads, want %d", test.method, test.path, n, test.reads)
		}
	}
}

func ask(t *testing.T, method, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
