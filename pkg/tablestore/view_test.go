package tablestore_test

import (
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/tablestore/tablestoretest"
)

// TestAbsent states that jobs without a record that were issued together with
// those that were looked up are known to be absent, for a moment and without
// another read, and that nothing is said of others.
func TestAbsent(t *testing.T) {
	t.Parallel()
	s, healthy, proxy := faultyAfter(t, gathering)
	ids := tablestoretest.IDsOfOneShard(t, 4)
	for i := range ids {
		copy(ids[i][:6], ids[0][:6]) // one millisecond
	}
	tablestoretest.MustInsert(t, healthy, tablestoretest.Running(ids[1]))
	if s.Absent(ids[3], time.Hour) {
		t.Error("absent before any read")
	}
	if _, err := s.Lookup(t.Context(), ids[:2]); err != nil {
		t.Fatal(err)
	}
	earlier, later, elsewhere := ids[3], ids[3], ids[3]
	earlier[5]--
	later[4]++ // 256 ms
	elsewhere[6] ^= 0x0f
	for _, test := range []struct {
		name   string
		id     job.ID
		maxAge time.Duration
		want   bool
	}{
		{"asked for and absent", ids[0], time.Second, true},
		{"asked for and present", ids[1], time.Second, false},
		{"issued together with them", ids[3], time.Second, true},
		{"issued before", earlier, time.Second, false},
		{"issued much later", later, time.Second, false},
		{"of another shard", elsewhere, time.Second, false},
		{"seen too long ago", ids[0], 0, false},
	} {
		if got := s.Absent(test.id, test.maxAge); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
	if n := reads(proxy); n != 1 {
		t.Errorf("%d reads", n)
	}
	time.Sleep(1100 * time.Millisecond) // longer than any view stands
	if s.Absent(ids[0], time.Hour) {
		t.Error("absent although it was seen more than a second ago")
	}
}
