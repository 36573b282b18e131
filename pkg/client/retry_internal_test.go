package client

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

// TestRetryAfter states that both forms of Retry-After are understood, a date
// by the service's own clock, and that nonsense is no advice.
func TestRetryAfter(t *testing.T) {
	const date = "Sat, 21 Nov 2026 10:00:00 GMT" // of a service whose clock may be far from ours
	for text, want := range map[string]time.Duration{
		"":                              -1,
		"7":                             7 * time.Second,
		" 0 ":                           0,
		"-1":                            -1,
		"soon":                          -1,
		"1.5":                           -1,
		"99999999":                      maxAdvice,
		"Sat, 21 Nov 2026 10:00:09 GMT": 9 * time.Second,
		"Sat, 21 Nov 2026 09:00:00 GMT": 0,
		"Sun, 22 Nov 2026 10:00:00 GMT": maxAdvice,
	} {
		r := &http.Response{Header: http.Header{"Retry-After": {text}, "Date": {date}}}
		got, ok := retryAfter(r)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("Retry-After: %s is %s, want %s", text, got, want)
		}
	}
}

// TestDelays states that a retry never comes before Retry-After, nor much
// after it, that waits grow and are bounded, and that no two clients need wait
// alike.
func TestDelays(t *testing.T) {
	advised := &http.Response{Header: http.Header{"Retry-After": {"4"}}}
	seen := map[time.Duration]bool{}
	for range 200 {
		d := delayOf(advised, 0)
		if d < 4*time.Second || d > 5*time.Second+time.Millisecond {
			t.Errorf("4 s of advice gives %s", d)
		}
		seen[d] = true
	}
	if len(seen) < 100 {
		t.Errorf("200 waits have %d lengths", len(seen))
	}
	for try, most := range map[int]time.Duration{0: firstBackoff, 3: 8 * firstBackoff, 7: maxBackoff, 1000: maxBackoff} {
		for range 50 {
			if d := delayOf(nil, try); d < most/2 || d > most {
				t.Errorf("after %d failures the wait is %s, want %s to %s", try, d, most/2, most)
			}
		}
	}
	if d := delayOf(&http.Response{Header: http.Header{"Retry-After": {"0"}}}, 2); d < 2*firstBackoff {
		t.Errorf("Retry-After: 0 has a client come back after %s again and again", d)
	}
}

// TestCause states that an ended context is told from a silent connection.
func TestCause(t *testing.T) {
	why := errors.New("why")
	for cause, canceled := range map[error]bool{why: true, errSilent: false, context.Canceled: true} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if err := causeOf(ctx); !errors.Is(err, cause) || errors.Is(err, context.Canceled) != canceled {
			t.Errorf("cause %v gives %v", cause, err)
		}
	}
}

// TestRangeStart states that a Content-Range is read strictly.
func TestRangeStart(t *testing.T) {
	for header, want := range map[string]int64{
		"bytes 7-9/10": 7, "bytes 0-0/*": 0, "": -1, "bytes */10": -1, "chunks 7-9/10": -1, "bytes 7": -1, "bytes x-9/10": -1,
	} {
		if got := rangeStart(header); got != want {
			t.Errorf("%q starts at %d, want %d", header, got, want)
		}
	}
}
