package main

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRetryAfterIsLearned keeps the promise that callers are told to come back
// when jobs like theirs are done: after one of three seconds, the next 202 says
// so, a poll at once says how much is left, and a caller that heeds both sees
// the end by its third poll.
func TestRetryAfterIsLearned(t *testing.T) {
	r := startLocal(t)
	submit := func() *http.Response {
		response, err := http.Post(r.acceptor+"/api/customer?duration=3s", "application/json", strings.NewReader(`{"id":"1","customername":"Ada"}`))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	first := submit()
	if advice := retryAfter(t, first); advice != 1 {
		t.Errorf("the first job of all: Retry-After %d", advice)
	}
	r.result(first.Header.Get("Location"), time.Minute)

	var accepted time.Time
	var advice, left int
	var location string
	for end := time.Now().Add(time.Minute); advice < 2 || left < 2; { // each service learns at its own pace
		if time.Now().After(end) {
			t.Fatalf("nothing is learned: Retry-After is %d, then %d", advice, left)
		}
		next := submit()
		accepted, advice, location = time.Now(), retryAfter(t, next), next.Header.Get("Location")
		time.Sleep(1200 * time.Millisecond) // a running job has a record after a second
		left = retryAfter(t, get(t, location))
	}
	if advice < 3 || advice > 4 || left > 3 {
		t.Errorf("for a job of 3 s Retry-After is %d, and after 1.2 s %d", advice, left)
	}
	time.Sleep(time.Until(accepted.Add(time.Duration(advice) * time.Second)))
	for polls := 1; ; polls++ {
		response := get(t, location)
		if response.StatusCode == http.StatusFound {
			break
		}
		if polls == 3 {
			t.Fatalf("poll %d: %s", polls, response.Status)
		}
		time.Sleep(time.Duration(retryAfter(t, response)) * time.Second)
	}
}

// get polls once, and follows no redirect.
func get(t *testing.T, location string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, location, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

func retryAfter(t *testing.T, response *http.Response) int {
	t.Helper()
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil {
		t.Fatalf("%s without Retry-After: %v", response.Status, err)
	}
	return seconds
}
