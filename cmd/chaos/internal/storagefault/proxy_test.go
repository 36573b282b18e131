package storagefault_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/storagefault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const content = "a result that is longer than what is left of it when it is cut"

// account is a storage endpoint that counts what it does.
func account(t *testing.T) (url string, done *atomic.Int64) {
	t.Helper()
	done = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		done.Add(1)
		_, _ = io.WriteString(w, content)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/account", done
}

func start(t *testing.T, endpoint string) *storagefault.Proxy {
	t.Helper()
	p, err := storagefault.Start(endpoint, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// put makes one request that is not repeated behind its back.
func put(t *testing.T, url string) (*http.Response, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/blob", strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// TestFaults shows for each fault whether the request is done and what comes
// back.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		fault  storagefault.Fault
		status int // 0: no whole answer
		code   string
		done   int64
	}{
		{storagefault.Throttle, 429, "TooManyRequests", 0},
		{storagefault.Fail, 500, "InternalError", 0},
		{storagefault.Busy, 503, "ServerBusy", 0},
		{storagefault.Hang, 0, "", 0},
		{storagefault.Reset, 0, "", 0},
		{storagefault.LoseReply, 0, "", 1},
		{storagefault.CutAnswer, 0, "", 1},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			endpoint, done := account(t)
			p := start(t, endpoint)
			p.Trouble(1, test.fault)
			response, _, err := put(t, p.URL())
			switch {
			case test.status == 0 && err == nil:
				t.Errorf("there is a whole answer: %s", response.Status)
			case test.status != 0 && err != nil:
				t.Error(err)
			case test.status != 0 && (response.StatusCode != test.status || response.Header.Get("x-ms-error-code") != test.code):
				t.Errorf("got %s with %q", response.Status, response.Header.Get("x-ms-error-code"))
			}
			if test.fault == storagefault.Hang && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want silence", err)
			}
			if done.Load() != test.done {
				t.Errorf("the request was done %d times, want %d", done.Load(), test.done)
			}
			if n := p.Counts()[test.fault]; n != 1 {
				t.Errorf("counted %d", n)
			}
			p.Calm()
			if _, body, err := put(t, p.URL()); err != nil || body != content {
				t.Errorf("afterwards: %q, %v", body, err)
			}
		})
	}
}

// TestShare has faults happen to about as many requests as asked for, and to
// the same ones for the same seed.
func TestShare(t *testing.T) {
	endpoint, _ := account(t)
	var before []int
	for range 2 {
		p := start(t, endpoint)
		p.Trouble(0.3, storagefault.Busy)
		var failed []int
		for i := range 100 {
			if response, _, err := put(t, p.URL()); err != nil {
				t.Fatal(err)
			} else if response.StatusCode != http.StatusOK {
				failed = append(failed, i)
			}
		}
		if len(failed) < 15 || len(failed) > 45 {
			t.Errorf("%d of 100 requests failed, want about 30", len(failed))
		}
		if before != nil && len(before) != len(failed) {
			t.Errorf("with the same seed %v failed, then %v", before, failed)
		}
		before = failed
	}
}
