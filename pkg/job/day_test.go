package job_test

import (
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestDay states that an id is filed under its own day, and that ids of other
// programs cannot make up days that never were.
func TestDay(t *testing.T) {
	at := time.Date(2026, 11, 21, 23, 59, 59, 999e6, time.UTC)
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	if got := job.NewIssuer(ring, func() time.Time { return at }).Issue("").Day(); got != "20261121" {
		t.Errorf("Day of an id issued at %v = %q", at, got)
	}
	for id, want := range map[string]string{
		"0193509c-9400-7000-8000-000000000000": "20241121",     // version 7
		"9d3cbeb1-9f2f-4c9c-8c43-5d1dbb9a0b1e": job.ForeignDay, // version 4
		"ffffffff-ffff-8fff-bfff-ffffffffffff": job.ForeignDay, // version 8 of another kind
		"00000000-0001-8000-8000-000000000000": job.ForeignDay,
	} {
		parsed, err := job.ParseID(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.Day(); got != want {
			t.Errorf("Day of %s = %q, want %q", id, got, want)
		}
	}
}

// TestParseDay states that a day is read as its first moment, and nothing
// else is taken for one.
func TestParseDay(t *testing.T) {
	day, err := job.ParseDay("20261121")
	if want := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC); err != nil || !day.Equal(want) {
		t.Errorf("ParseDay = %v, %v, want %v", day, err, want)
	}
	for _, bad := range []string{"", job.ForeignDay, "2026112", "20261321", "202611211"} {
		if day, err := job.ParseDay(bad); err == nil {
			t.Errorf("ParseDay(%q) = %v, want an error", bad, day)
		}
	}
}
