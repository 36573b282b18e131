package main

import (
	"maps"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestStorageCosts states what docs/performance.md says that a job costs in
// calls to storage, when it is alone.
func TestStorageCosts(t *testing.T) {
	settings := environment(t, localazuretest.Broker(t, nil), `
operations:
  customer: {processor: {go: customer}}
`)
	c := newCaller(t, settings)
	account := azuretest.NewAccount(t, settings["STORAGE_CONNECTION_STRING"])
	settings["STORAGE_CONNECTION_STRING"] = account.ConnectionString()
	run := func(m *job.Message) map[string]int {
		return account.Count(func() {
			r := start(t, settings)
			c.send(m)
			c.until(m.ID, job.StatusSucceeded)
			r.stop() // so that nothing of the job is still to come
			<-r.done
		})
	}
	run(c.message("customer", `{"id": "1", "customername": "makes table and containers"}`))

	quick := c.message("customer", `{"id": "1", "customername": "Ada"}`)
	if got, want := run(quick), (map[string]int{"table GET": 1, "blob PUT": 1, "table POST": 1}); !maps.Equal(got, want) {
		t.Errorf("a quick job: %v, want %v", got, want)
	}
	large := c.message("customer", "")
	large.Body, large.PayloadBlob = nil, large.ID.Day()+"/"+large.ID.String()
	c.store(settings["PAYLOAD_CONTAINER"], large.PayloadBlob, `{"id": "1", "customername": "Ada"}`)
	if got, want := run(large), (map[string]int{"table GET": 1, "blob GET": 1, "blob PUT": 1, "table POST": 1, "blob DELETE": 1}); !maps.Equal(got, want) {
		t.Errorf("a quick job with a claim check: %v, want %v", got, want)
	}
	long := c.message("customer", `{"id": "1", "customername": "Ada"}`)
	long.Query = "duration=3500ms"
	began := time.Now()
	got := run(long)
	beats := int(time.Since(began) / time.Second) // progress is told at most once a second
	if got["table POST"] != 1 || got["table GET"] != 1 || got["blob PUT"] != 1 || got["table PUT"] < 3 || got["table PUT"] > 1+beats {
		t.Errorf("a job of 3.5 s that reports progress: %v", got)
	}
}

// store stores a payload.
func (c *caller) store(container, name, payload string) {
	c.t.Helper()
	if _, err := c.storage.Blobs.UploadBuffer(c.t.Context(), container, name, []byte(payload), nil); err != nil {
		c.t.Fatal(err)
	}
}
