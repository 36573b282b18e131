package azure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// otherTime is storage whose clock differs from this machine's.
type otherTime struct{ by time.Duration }

func (o *otherTime) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && o.by != 0 {
		response.Header.Set("Date", time.Now().Add(o.by).UTC().Format(http.TimeFormat))
	}
	return response, err
}

// TestNow states that the time is storage's as soon as it has answered, within
// a second or two, and this machine's own where they agree.
func TestNow(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	settings := azure.Storage{ConnectionString: localazuretest.Storage(t).ConnectionString()}
	for _, by := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 2 * time.Second} {
		clients, err := settings.Open(&azure.Options{HTTPClient: &http.Client{Transport: &otherTime{by}}})
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Until(clients.Now()).Abs(); off > time.Second {
			t.Errorf("before any answer the clock is off by %v", off)
		}
		if _, err := clients.Tables.NewClient("x").GetEntity(t.Context(), "a", "b", nil); err == nil {
			t.Fatal("found an entity in no table")
		}
		want := by
		if by == 2*time.Second {
			want = 0
		}
		if off := (time.Until(clients.Now()) - want).Abs(); off > 2*time.Second {
			t.Errorf("storage is %v ahead, the clock is off by %v", by, off)
		}
	}
}
