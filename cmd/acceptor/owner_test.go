package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

const (
	owner    = authtest.Tenant + "/" + authtest.Object
	stranger = "55555555-eeee-4eee-8eee-555555555555" // an object of the same tenant
)

// startEntra starts an acceptor that trusts issuer.
func startEntra(t *testing.T, broker *emulator.Broker, issuer *authtest.Issuer) *running {
	t.Helper()
	settings := environment(t, broker)
	settings["AUTH_MODE"], settings["AUTH_ISSUER"], settings["AUTH_AUDIENCE"] = "entra", issuer.URL(), authtest.Audience
	return start(t, settings)
}

// post submits a job with a token, "" for none, and an Idempotency-Key.
func (r *running) post(token, key string) (*http.Response, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/api/anything", strings.NewReader("payload"))
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response, string(text)
}

// accepted gives the id of a job that was submitted.
func (r *running) accepted(token, key string) job.ID {
	r.t.Helper()
	response, text := r.post(token, key)
	var body struct{ ID job.ID }
	if err := json.Unmarshal([]byte(text), &body); err != nil || response.StatusCode != http.StatusAccepted {
		r.t.Fatalf("%s: %s %v", response.Status, text, err)
	}
	return body.ID
}

// TestWhoMaySubmit keeps the promise that only a token with the role submits,
// that what is refused is not in the queue, and that anybody may read what
// operations there are.
func TestWhoMaySubmit(t *testing.T) {
	issuer, broker := authtest.NewIssuer(t), localazuretest.Broker(t, nil)
	r := startEntra(t, broker, issuer)
	r.await("/readyz", http.StatusOK)
	good := issuer.Claims("Jobs.Submit")
	for _, test := range []struct {
		name, token string
		want        int
		challenge   string
	}{
		{"no token", "", 401, `Bearer realm="asyncreply"`},
		{"another audience", issuer.Sign(t, good.With("aud", "other")), 401, `Bearer realm="asyncreply", error="invalid_token"`},
		{"another tenant", issuer.Sign(t, good.With("tid", stranger)), 401, `Bearer realm="asyncreply", error="invalid_token"`},
		{"forged", authtest.NewKey(t).Sign(t, good), 401, `Bearer realm="asyncreply", error="invalid_token"`},
		{"the role to read", issuer.Token(t, "Jobs.Read"), 403, `Bearer realm="asyncreply", error="insufficient_scope"`},
	} {
		response, text := r.post(test.token, "")
		if response.StatusCode != test.want || !strings.HasPrefix(response.Header.Get("WWW-Authenticate"), test.challenge) {
			t.Errorf("%s: %s, %s: %s", test.name, response.Status, response.Header.Get("WWW-Authenticate"), text)
		}
	}
	id := r.accepted(issuer.Token(t, "Jobs.Submit"), "")
	if m := next(t, broker.ConnectionString()); m.MessageID != id.String() {
		t.Errorf("first in the queue is %s, want %s", m.MessageID, id)
	}
	for _, path := range []string{"/api", "/api/anything"} {
		if response, text := r.request(http.MethodGet, path, nil); response.StatusCode != http.StatusOK {
			t.Errorf("%s = %s: %s", path, response.Status, text)
		}
	}
}

// TestJobsHaveOwners keeps the promise that a job belongs to its caller's
// tenant and object: its id is good for nobody else, its message says so, and
// an Idempotency-Key of one caller is nothing to another.
func TestJobsHaveOwners(t *testing.T) {
	issuer, broker := authtest.NewIssuer(t), localazuretest.Broker(t, nil)
	r := startEntra(t, broker, issuer)
	r.await("/readyz", http.StatusOK)
	ring, err := job.ParseKeyRing("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")
	if err != nil {
		t.Fatal(err)
	}
	claims := issuer.Claims("Jobs.Submit")
	mine, theirs := issuer.Sign(t, claims), issuer.Sign(t, claims.With("oid", stranger))
	first := r.accepted(mine, "a-key")
	if m := next(t, broker.ConnectionString()); m.ApplicationProperties["Owner"] != owner {
		t.Errorf("the message's owner is %v, want %s", m.ApplicationProperties["Owner"], owner)
	}
	if !ring.Verify(first, owner) {
		t.Errorf("%s is not its owner's", first)
	}
	if again := r.accepted(mine, "a-key"); again != first {
		t.Errorf("the same caller and key gave %s, then %s", first, again)
	}
	if other := r.accepted(theirs, "a-key"); other == first || !ring.Verify(other, authtest.Tenant+"/"+stranger) {
		t.Errorf("another caller with the same key got %s, the first %s", other, first)
	}
}
