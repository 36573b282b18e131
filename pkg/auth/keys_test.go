package auth_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
)

// ready runs the checks that readiness takes.
func (s *service) ready() error {
	s.t.Helper()
	checks := s.auth.Checks()
	if len(checks) != 1 || checks[0].Name != "issuer" {
		s.t.Fatalf("checks: %v", checks)
	}
	return checks[0].Func(s.t.Context())
}

// TestRotation keeps the promise that a key that the issuer signs by from now
// on is found at once, that the old one is good as long as it is published,
// and for an hour at most after that.
func TestRotation(t *testing.T) {
	i, c := authtest.NewIssuer(t), &clock{}
	s := newService(t, configOf(i), c.now)
	claims := i.Claims("Jobs.Read").With("exp", time.Now().Add(48*time.Hour).Unix())
	old := i.Sign(t, claims)
	s.expect("before", old, http.StatusOK)

	c.forward(time.Minute)
	i.Rotate(t)
	s.expect("the new key", i.Sign(t, claims), http.StatusOK)
	s.expect("the old key", old, http.StatusOK)
	if fetches := i.Fetches(); fetches != 2 {
		t.Errorf("the issuer was asked %d times, want twice", fetches)
	}

	i.Withdraw()
	c.forward(59 * time.Minute)
	s.expect("the old key within the hour", old, http.StatusOK)
	c.forward(2 * time.Minute)
	for deadline := time.Now().Add(10 * time.Second); s.get(old).status != http.StatusUnauthorized; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the key that was withdrawn is good for ever")
		}
	}
	s.expect("the new key", i.Sign(t, claims), http.StatusOK)
}

func (s *service) expect(what, token string, status int) {
	s.t.Helper()
	if got := s.get(token); got.status != status {
		s.t.Errorf("%s: %d %s, want %d", what, got.status, got.text, status)
	}
}

// TestUnknownKeys keeps the promise that tokens that name keys that there are
// not do not make the service ask the issuer again and again.
func TestUnknownKeys(t *testing.T) {
	i, c := authtest.NewIssuer(t), &clock{}
	s := newService(t, configOf(i), c.now)
	stranger := authtest.NewKey(t)
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() { s.expect("a stranger", stranger.Sign(t, i.Claims("Jobs.Read")), http.StatusUnauthorized) })
	}
	callers.Wait()
	if fetches := i.Fetches(); fetches != 1 {
		t.Errorf("20 strangers made %d requests, want 1", fetches)
	}
	c.forward(time.Minute)
	s.expect("a stranger", stranger.Sign(t, i.Claims("Jobs.Read")), http.StatusUnauthorized)
	if fetches := i.Fetches(); fetches != 2 {
		t.Errorf("a minute later there were %d requests, want 2", fetches)
	}
}

// TestIssuerDownAtStart keeps the promise that a service that has never had
// the issuer's keys is not ready and lets nobody in, by a 503 that accuses no
// one, and recovers by itself.
func TestIssuerDownAtStart(t *testing.T) {
	i, c := authtest.NewIssuer(t), &clock{}
	i.SetDown(true)
	s := newService(t, configOf(i), c.now)
	if err := s.ready(); err == nil {
		t.Error("ready without keys")
	}
	token := i.Token(t, "Jobs.Read")
	for range 3 {
		got := s.get(token)
		if got.status != http.StatusServiceUnavailable || got.code != "ServerBusy" || got.header.Get("Retry-After") == "" || got.challenge != "" {
			t.Errorf("during the outage: %d %s %s", got.status, got.text, got.challenge)
		}
	}
	s.expect("forged, during the outage", "a.b.c", http.StatusUnauthorized)
	if logged := s.log.count("the issuer's keys cannot be had"); logged == 0 {
		t.Error("the outage is not in the log")
	}
	i.SetDown(false)
	c.forward(time.Minute)
	if err := s.ready(); err != nil {
		t.Errorf("after the outage: %v", err)
	}
	s.expect("after the outage", token, http.StatusOK)
	if logged := s.log.count("the issuer answers again"); logged != 1 {
		t.Errorf("the end of the outage is %d times in the log", logged)
	}
}

// TestIssuerDownLater keeps the promise that an outage of the issuer is not
// one of the service while the keys at hand are a day old at most, whatever
// tokens come, and that older keys are trusted no more.
func TestIssuerDownLater(t *testing.T) {
	i, c := authtest.NewIssuer(t), &clock{}
	s := newService(t, configOf(i), c.now)
	token := i.Sign(t, i.Claims("Jobs.Read").With("exp", time.Now().Add(72*time.Hour).Unix()))
	s.expect("before", token, http.StatusOK)
	i.SetDown(true)
	c.forward(23 * time.Hour)
	for range 10 {
		s.expect("during the outage", token, http.StatusOK)
	}
	s.expect("a key that may be new", authtest.NewKey(t).Sign(t, i.Claims("Jobs.Read")), http.StatusServiceUnavailable)
	if err := s.ready(); err != nil {
		t.Errorf("during the outage: %v", err)
	}
	c.forward(2 * time.Hour)
	s.expect("with keys older than a day", token, http.StatusServiceUnavailable)
	if err := s.ready(); err == nil {
		t.Error("ready with keys older than a day")
	}
	i.SetDown(false)
	c.forward(time.Minute)
	s.expect("after the outage", token, http.StatusOK)
	if err := s.ready(); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}
