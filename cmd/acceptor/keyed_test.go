package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// queued counts the messages in the queue.
func queued(t *testing.T, connectionString string) int {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(connectionString, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	receiver, err := client.NewReceiverForQueue("jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := receiver.PeekMessages(t.Context(), 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(messages)
}

// TestOneJobOfManyAcceptors states that requests with one key that reach
// several acceptors at once are one job with one message and one 202.
func TestOneJobOfManyAcceptors(t *testing.T) {
	broker := localazuretest.Broker(t, nil)
	settings := environment(t, broker)
	acceptors := []*running{start(t, settings), start(t, settings)}
	for _, r := range acceptors {
		r.await("/readyz", http.StatusOK)
	}
	answers := make([]string, 16)
	var requests sync.WaitGroup
	for i := range answers {
		requests.Go(func() {
			_, answers[i] = acceptors[i%2].request(http.MethodPost, "/api/anything", strings.NewReader("payload"), "Idempotency-Key", `"one"`)
		})
	}
	requests.Wait()
	for _, text := range answers {
		if text != answers[0] || !strings.Contains(text, `"Accepted"`) {
			t.Errorf("answered %s and %s", text, answers[0])
		}
	}
	if n := queued(t, broker.ConnectionString()); n != 1 {
		t.Errorf("%d messages in the queue", n)
	}
}

// TestRetryAfterLostReplies states that a caller that tries again with its key
// whenever it is answered with 503, while connections to the broker break at
// any byte, ends with one job and one message, and never sees two ids.
func TestRetryAfterLostReplies(t *testing.T) {
	broker := localazuretest.Broker(t, nil)
	settings := environment(t, broker)
	settings["SEND_TIMEOUT"] = "1s"
	r := start(t, settings)
	r.await("/readyz", http.StatusOK)
	for cut, key := range []string{"a", "b", "c", "d"} {
		broker.Faults().DropConnectionsAfter(cut) // 1: between the message and its acknowledgement
		var text string
		for deadline := time.Now().Add(patience); ; {
			var response *http.Response
			response, text = r.request(http.MethodPost, "/api/anything", strings.NewReader("payload"), "Idempotency-Key", key)
			if response.StatusCode == http.StatusAccepted {
				break
			}
			if response.StatusCode != http.StatusServiceUnavailable || time.Now().After(deadline) {
				t.Fatalf("answered %s: %s", response.Status, text)
			}
		}
		broker.Faults().DropConnectionsAfter(-1)
		if _, again := r.request(http.MethodPost, "/api/anything", strings.NewReader("payload"), "Idempotency-Key", key); again != text {
			t.Errorf("answered %s, then %s", text, again)
		}
		if n := queued(t, broker.ConnectionString()); n != cut+1 {
			t.Errorf("%d messages in the queue after %d jobs", n, cut+1)
		}
	}
}

// TestRateLimitSetting states that RATE_LIMIT bounds what one caller may post.
func TestRateLimitSetting(t *testing.T) {
	settings := environment(t, localazuretest.Broker(t, nil))
	settings["RATE_LIMIT"], settings["RATE_LIMIT_BURST"] = "0.01", "1"
	r := start(t, settings)
	r.await("/readyz", http.StatusOK)
	if response, text := r.request(http.MethodPost, "/api/anything", nil); response.StatusCode != http.StatusAccepted {
		t.Errorf("the first: %s: %s", response.Status, text)
	}
	response, _ := r.request(http.MethodPost, "/api/anything", nil)
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "100" {
		t.Errorf("the second: %s, Retry-After %s", response.Status, response.Header.Get("Retry-After"))
	}
}
