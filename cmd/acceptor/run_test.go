package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestAcceptedIsInTheQueue states that a 202 means a message in the queue, as
// the stock SDK sees it, small or claim-checked.
func TestAcceptedIsInTheQueue(t *testing.T) {
	broker := localazuretest.Broker(t, nil)
	r := start(t, environment(t, broker))
	r.await("/readyz", http.StatusOK)
	for _, size := range []int{7, 300 << 10} {
		response, text := r.request(http.MethodPost, "/api/anything?a=1&onComplete=json", bytes.NewReader(make([]byte, size)))
		if response.StatusCode != http.StatusAccepted {
			t.Fatalf("%d bytes: %s: %s", size, response.Status, text)
		}
		m := next(t, broker.ConnectionString())
		location, _, _ := strings.Cut(response.Header.Get("Location"), "?")
		id := location[strings.LastIndex(location, "/")+1:]
		if m.MessageID != id || m.ApplicationProperties["RequestGUID"] != id || *m.CorrelationID != id {
			t.Errorf("message %s, properties %v, want id %s", m.MessageID, m.ApplicationProperties, id)
		}
		for name, want := range map[string]any{
			"Operation": "anything", "RequestStatusURL": "https://status.example/api/RequestStatus/" + id, "Query": "a=1",
			"traceparent": response.Header.Get("traceparent"),
		} {
			if m.ApplicationProperties[name] != want {
				t.Errorf("%s = %v, want %v", name, m.ApplicationProperties[name], want)
			}
		}
		claimed := m.ApplicationProperties["PayloadSize"] == int64(size)
		if inline := len(m.Body) == size; inline == claimed || claimed != (size > 200<<10) {
			t.Errorf("%d bytes: body of %d, properties %v", size, len(m.Body), m.ApplicationProperties)
		}
		if entry := r.log.find("request"); entry["RequestGUID"] != id || entry["service"] != "acceptor" {
			t.Errorf("logged %v, want RequestGUID %s", entry, id)
		}
	}
}

// next takes one message from the queue.
func next(t *testing.T, connectionString string) *azservicebus.ReceivedMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := azservicebus.NewClientFromConnectionString(connectionString, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(context.WithoutCancel(ctx))
	receiver, err := client.NewReceiverForQueue("jobs", &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	return messages[0]
}

// TestBrokerOutage states that without a broker requests are answered with 503
// and Retry-After in time, that /readyz says what is missing, and that both
// recover without a restart.
func TestBrokerOutage(t *testing.T) {
	broker := localazuretest.Broker(t, nil)
	settings := environment(t, broker)
	settings["SEND_TIMEOUT"] = "1s"
	r := start(t, settings)
	r.await("/readyz", http.StatusOK)

	broker.Faults().RefuseConnections(true)
	broker.Faults().DropConnections()
	if text := r.await("/readyz", http.StatusServiceUnavailable); !strings.Contains(text, `"failing":["queue"]`) {
		t.Errorf("not ready: %s", text)
	}
	begin := time.Now()
	response, text := r.request(http.MethodPost, "/api/anything", strings.NewReader("payload"))
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" || time.Since(begin) > 3*time.Second {
		t.Errorf("in the outage: %s after %v: %s", response.Status, time.Since(begin), text)
	}
	broker.Faults().RefuseConnections(false)
	r.await("/readyz", http.StatusOK)
	if response, text := r.request(http.MethodPost, "/api/anything", strings.NewReader("payload")); response.StatusCode != http.StatusAccepted {
		t.Errorf("after the outage: %s: %s", response.Status, text)
	}
}

// TestSilentBroker states that a broker that accepts connections and answers
// nothing makes a 503 within the send time-out, and never a 202.
func TestSilentBroker(t *testing.T) {
	broker := localazuretest.Broker(t, nil)
	settings := environment(t, broker)
	settings["SEND_TIMEOUT"] = "500ms"
	r := start(t, settings)
	r.await("/readyz", http.StatusOK)
	broker.Faults().BlackHole(true)
	defer broker.Faults().BlackHole(false)
	for range 3 {
		begin := time.Now()
		response, text := r.request(http.MethodPost, "/api/anything", strings.NewReader("payload"))
		if took := time.Since(begin); response.StatusCode != http.StatusServiceUnavailable || took > 2*time.Second {
			t.Errorf("answered %s after %v: %s", response.Status, took, text)
		}
	}
}

// TestStopFinishesUploads states that a stop flips /readyz first, lets an
// upload in flight become a job, and ends run without an error.
func TestStopFinishesUploads(t *testing.T) {
	broker := localazuretest.Broker(t, nil)
	settings := environment(t, broker)
	settings["DRAIN_DELAY"] = "1s"
	r := start(t, settings)
	r.await("/readyz", http.StatusOK)
	reader, writer := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		response, err := http.Post(r.url+"/api/anything", "text/plain", reader)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		response.Body.Close()
		answered <- response.StatusCode
	}()
	if _, err := writer.Write(make([]byte, 300<<10)); err != nil {
		t.Fatal(err)
	}
	r.stop()
	r.await("/readyz", http.StatusServiceUnavailable)
	if _, err := writer.Write([]byte("the end")); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	if status := receive(t, answered); status != http.StatusAccepted {
		t.Errorf("the upload in flight got %d", status)
	}
	if err := receive(t, r.done); err != nil {
		t.Errorf("run = %v", err)
	}
	if m := next(t, broker.ConnectionString()); m.ApplicationProperties["PayloadSize"] != int64(300<<10+7) {
		t.Errorf("queued %v", m.ApplicationProperties)
	}
}

// TestBusyPort states that a port that is taken is an error that names it.
func TestBusyPort(t *testing.T) {
	settings := environment(t, localazuretest.Broker(t, nil))
	r := start(t, settings)
	settings["LISTEN_ADDR"] = strings.TrimPrefix(r.url, "http://")
	err := run(t.Context(), nil, list(settings), io.Discard, io.Discard)
	if err == nil || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), settings["LISTEN_ADDR"]+": bind: address already in use") {
		t.Errorf("run on a busy port = %v", err)
	}
}
