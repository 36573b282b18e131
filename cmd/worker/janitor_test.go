package main

import (
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// TestJanitor keeps the promise that a worker drops what is past RETENTION and
// says so, and leaves the rest.
func TestJanitor(t *testing.T) {
	settings := environment(t, localazuretest.Broker(t, nil), "operations: {customer: {queueTimeout: 1h, processor: {go: customer}}}")
	settings["RETENTION"], settings["JANITOR_INTERVAL"] = "24h", "50ms"
	clients := azuretest.Clients(t, settings["STORAGE_CONNECTION_STRING"])
	records := tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: settings["TABLE_PREFIX"]})
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	for _, age := range []time.Duration{0, 72 * time.Hour} {
		at := time.Now().Add(-age)
		id := job.NewIssuer(ring, func() time.Time { return at }).Issue("")
		r := job.Claim(&job.Message{ID: id, Operation: "customer", SubmittedAt: at}, at)
		if err := records.Insert(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	start(t, settings)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		days, err := records.Days(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(days) == 1 && days[0] >= time.Now().AddDate(0, 0, -1).UTC().Format("20060102") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left %v", days)
		}
	}
}
