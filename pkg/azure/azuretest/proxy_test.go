package azuretest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange makes one request through a proxy with a fault before a service that
// answers "hello", and says how it ended and whether the service was reached.
func exchange(t *testing.T, fault azuretest.Fault) (status int, body string, reached bool, err error) {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached = true
		_, _ = io.WriteString(w, "hello")
	}))
	t.Cleanup(service.Close)
	proxy := azuretest.NewProxy(t, service.URL+"/account")
	proxy.Inject(1, func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/account/") }, fault)

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, proxy.URL()+"/x", strings.NewReader("body"))
	response, err := client.Do(request)
	if err != nil {
		return 0, "", reached, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if proxy.Pending() != 0 || len(proxy.Requests()) != 1 {
		t.Errorf("the proxy saw %v and has %d faults left", proxy.Requests(), proxy.Pending())
	}
	return response.StatusCode, string(content), reached, err
}

// TestFaults states what a client sees of each fault, and the service.
func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault   azuretest.Fault
		status  int
		body    string
		reached bool
		err     error
	}{
		"lose reply": {fault: azuretest.LoseReply, reached: true, err: io.EOF},
		"reset":      {fault: azuretest.Reset, err: io.EOF},
		"hang":       {fault: azuretest.Hang, err: context.DeadlineExceeded},
		"cut":        {fault: azuretest.Cut(3), status: 200, body: "hel", reached: true, err: io.ErrUnexpectedEOF},
		"stall":      {fault: azuretest.Stall(3), status: 200, body: "hel", reached: true, err: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, reached, err := exchange(t, test.fault)
			if status != test.status || body != test.body || reached != test.reached || !errors.Is(err, test.err) {
				t.Errorf("got %d %q reached=%v %v", status, body, reached, err)
			}
		})
	}
	status, body, reached, err := exchange(t, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
	if status != 503 || !strings.Contains(body, "<Code>ServerBusy</Code>") || reached || err != nil {
		t.Errorf("an answer: got %d %q reached=%v %v", status, body, reached, err)
	}
}
