package blobstore_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestAllowPages states that pages of the allowed origins, and no others, may
// read a blob by its signed URL and send any header with it, and that a page
// without a signed URL may read nothing. The rules are the account's: it has
// an Azurite of its own.
func TestAllowPages(t *testing.T) {
	t.Parallel()
	options := localazuretest.AzuriteOptions()
	azurite, err := localazure.StartAzurite(t.Context(), &options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { azurite.Close() })
	c := clients(t, azurite.ConnectionString(), nil)
	store := blobstore.New(c.Blobs, nil)
	if err := store.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, store.Results(), "day/id/1-a", []byte("content"))
	link, _, err := blobstore.NewSigner(c.Blobs, c.SharedKey, nil).URL(t.Context(), "day/id/1-a", job.BlobProperties{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		options       *blobstore.CORSOptions
		origin, allow string
	}{
		{nil, "https://app.example", "*"},
		{nil, "null", "*"},
		{&blobstore.CORSOptions{AllowedOrigins: []string{"https://app.example", "http://localhost:3000"}, MaxAge: time.Minute}, "http://localhost:3000", "http://localhost:3000"},
		{&blobstore.CORSOptions{AllowedOrigins: []string{"https://app.example"}}, "null", ""},
	} {
		if err := blobstore.AllowPages(t.Context(), c.Blobs, test.options); err != nil {
			t.Fatal(err)
		}
		read := ask(t, http.MethodGet, link, test.origin)
		if got := read.Header.Get("Access-Control-Allow-Origin"); got != test.allow || read.StatusCode != http.StatusOK {
			t.Errorf("GET from %s = %s, allowed to %q, want %q", test.origin, read.Status, got, test.allow)
		}
		asked := ask(t, http.MethodOptions, link, test.origin)
		allowed := asked.StatusCode == http.StatusOK && strings.Contains(asked.Header.Get("Access-Control-Allow-Headers"), "prefer")
		if allowed != (test.allow != "") {
			t.Errorf("preflight from %s = %s, %v", test.origin, asked.Status, asked.Header)
		}
	}
	bare, _, _ := strings.Cut(link, "?")
	if response := ask(t, http.MethodGet, bare, "https://app.example"); response.StatusCode < 400 {
		t.Errorf("GET without a signature = %s", response.Status)
	}
}

// ask sends a request, or its preflight, as a browser does.
func ask(t *testing.T, method, link, origin string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", origin)
	if method == http.MethodOptions {
		request.Header.Set("Access-Control-Request-Method", http.MethodGet)
		request.Header.Set("Access-Control-Request-Headers", "prefer,if-none-match")
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}
