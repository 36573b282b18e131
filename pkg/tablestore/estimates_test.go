package tablestore_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// estimates gives a store of estimates behind a proxy.
func estimates(t *testing.T) (*tablestore.Estimates, *azuretest.Proxy) {
	t.Helper()
	clients, proxy := proxied(t)
	return tablestore.NewEstimates(clients.Tables, &tablestore.Options{TablePrefix: localazuretest.Name(t)}), proxy
}

// wantReports checks what the store gives since a time.
func wantReports(t *testing.T, s *tablestore.Estimates, since time.Time, want ...string) {
	t.Helper()
	reports, err := s.Since(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, report := range reports {
		got = append(got, string(report))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("reports = %q, want %q", got, want)
	}
}

// TestEstimates states that of each worker the last report is kept, that old
// ones are not given, and that they can be dropped.
func TestEstimates(t *testing.T) {
	t.Parallel()
	s, _ := estimates(t)
	now := time.Now()
	wantReports(t, s, time.Time{}.AddDate(2000, 0, 0))
	for _, put := range []struct {
		name, report string
		age          time.Duration
	}{{"a", "a1", time.Hour}, {"b", "b1", time.Hour}, {"a", "a2", time.Minute}, {"c", `{"é":"\u0000 ` + strings.Repeat("x", 30_000) + `"}`, 0}} {
		if err := s.Put(t.Context(), put.name, []byte(put.report), now.Add(-put.age)); err != nil {
			t.Fatal(err)
		}
	}
	long := `{"é":"\u0000 ` + strings.Repeat("x", 30_000) + `"}`
	wantReports(t, s, now.Add(-10*time.Minute), "a2", long)
	wantReports(t, s, now.Add(-2*time.Hour), "a2", "b1", long)
	if n, err := s.DropBefore(t.Context(), now.Add(-10*time.Minute)); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	wantReports(t, s, now.Add(-2*time.Hour), "a2", long)
	if err := s.Put(t.Context(), "d", make([]byte, 40_000), now); err == nil {
		t.Error("a report that does not fit was taken")
	}
}

// TestEstimatesOutOfReach states that a store that fails says so, and in time.
func TestEstimatesOutOfReach(t *testing.T) {
	t.Parallel()
	s, proxy := estimates(t)
	proxy.Inject(1000, nil, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
	if err := s.Put(t.Context(), "a", nil, time.Now()); err == nil {
		t.Error("Put said nothing")
	}
	if _, err := s.Since(t.Context(), time.Now()); err == nil {
		t.Error("Since said nothing")
	}
}
