package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
)

// caller is somebody with a token.
type caller struct {
	t     *testing.T
	token string
}

// do sends a request and follows no redirect.
func (c caller) do(method, url, body string) (*http.Response, string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response, string(text)
}

// TestOwnersJob keeps the promise that with AUTH_MODE=entra in the environment
// a job goes all the way, from the POST of its owner to the owner's result,
// and that nobody else sees it at any time.
func TestOwnersJob(t *testing.T) {
	issuer := authtest.NewIssuer(t)
	t.Setenv("AUTH_MODE", "entra")
	t.Setenv("AUTH_ISSUER", issuer.URL())
	t.Setenv("AUTH_AUDIENCE", authtest.Audience)
	r := startLocal(t)
	claims := issuer.Claims("Jobs.Submit", "Jobs.Read", "Jobs.Cancel")
	owner := caller{t, issuer.Sign(t, claims)}
	stranger := caller{t, issuer.Sign(t, claims.With("oid", authtest.Client))}

	response, text := owner.do(http.MethodPost, r.acceptor+"/api/customer?duration=2s", `{"id":"1","customername":"Ada"}`)
	if response.StatusCode != http.StatusAccepted {
		t.Fatalf("POST: %s %s", response.Status, text)
	}
	status := response.Header.Get("Location")
	for deadline := time.Now().Add(30 * time.Second); response.StatusCode == http.StatusAccepted; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the job does not end")
		}
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if response, text := stranger.do(method, status, ""); response.StatusCode != http.StatusNotFound {
				t.Fatalf("somebody else's %s: %s %s", method, response.Status, text)
			}
		}
		response, text = owner.do(http.MethodGet, status, "")
	}
	if response.StatusCode != http.StatusFound {
		t.Fatalf("the owner's poll: %s %s", response.Status, text)
	}
	if response, text := stranger.do(http.MethodGet, status+"/result", ""); response.StatusCode != http.StatusNotFound {
		t.Errorf("somebody else's GET of the result: %s %s", response.Status, text)
	}
	blob, err := http.Get(response.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Body.Close()
	if content, err := io.ReadAll(blob.Body); err != nil || blob.StatusCode != http.StatusOK || !strings.Contains(string(content), "Ada") {
		t.Errorf("the result: %s %s %v", blob.Status, content, err)
	}
}
