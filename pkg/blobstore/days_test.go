package blobstore_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestDays states that the days that have blobs are listed oldest first,
// however many blobs they have, and that nothing else is taken for a day.
func TestDays(t *testing.T) {
	t.Parallel()
	c := newStore(t).Payloads()
	if days, err := c.Days(t.Context()); err != nil || len(days) != 0 {
		t.Errorf("of an empty container: %v, %v", days, err)
	}
	for _, name := range []string{"foreign/x", "20261121/b", "20261120/a/1", "20261121/a", "other/x", "20261199/x", "20261122"} {
		put(t, c, name, []byte("x"))
	}
	days, err := c.Days(t.Context())
	if want := []string{"20261120", "20261121", job.ForeignDay}; err != nil || !slices.Equal(days, want) {
		t.Errorf("days %v, %v, want %v", days, err, want)
	}
}

// TestDeleteOlder states that of a prefix those are deleted that were written
// before a time, and no others.
func TestDeleteOlder(t *testing.T) {
	t.Parallel()
	c := newStore(t).Results()
	for i := range 3 {
		put(t, c, fmt.Sprintf("foreign/%d", i), []byte("x"))
	}
	put(t, c, "20261121/x", []byte("x"))
	if n, err := c.DeleteOlder(t.Context(), "foreign/", time.Now().Add(-time.Minute)); n != 0 || err != nil {
		t.Errorf("deleted %d recent ones, %v", n, err)
	}
	if n, err := c.DeleteOlder(t.Context(), "foreign/", time.Now().Add(time.Minute)); n != 3 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	if days, err := c.Days(t.Context()); err != nil || !slices.Equal(days, []string{"20261121"}) {
		t.Errorf("left %v, %v", days, err)
	}
}
