package main

import (
	"bytes"
	"maps"
	"net/http"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestStorageCosts states what docs/performance.md says that requests cost in
// calls to storage: none unless they have a key or a large payload.
func TestStorageCosts(t *testing.T) {
	settings := environment(t, localazuretest.Broker(t, nil))
	account := azuretest.NewAccount(t, settings["STORAGE_CONNECTION_STRING"])
	settings["STORAGE_CONNECTION_STRING"] = account.ConnectionString()
	r := start(t, settings)
	r.await("/readyz", http.StatusOK)
	post := func(size int, header ...string) {
		if response, text := r.request(http.MethodPost, "/api/anything", bytes.NewReader(make([]byte, size)), header...); response.StatusCode != http.StatusAccepted {
			t.Errorf("answered %s: %s", response.Status, text)
		}
	}
	post(1, "Idempotency-Key", "makes-the-table")
	for _, test := range []struct {
		name   string
		size   int
		header []string
		want   map[string]int
	}{
		{"small", 1 << 10, nil, map[string]int{}},
		{"large", 300 << 10, nil, map[string]int{"blob PUT": 1}},
		{"with a key", 1 << 10, []string{"Idempotency-Key", "k"}, map[string]int{"table GET": 1, "table POST": 1, "table PUT": 1}},
		{"the same key again", 1 << 10, []string{"Idempotency-Key", "k"}, map[string]int{"table GET": 1}},
	} {
		if got := account.Count(func() { post(test.size, test.header...) }); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
