package job_test

import (
	"testing"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestReservationKey states that a key is its caller's and operation's own,
// wherever one name ends and the next begins.
func TestReservationKey(t *testing.T) {
	seen := map[string][3]string{}
	for _, parts := range [][3]string{
		{"", "", ""}, {"a", "", ""}, {"", "a", ""}, {"", "", "a"},
		{"ab", "c", "d"}, {"a", "bc", "d"}, {"a", "b", "cd"}, {"a", "b", "c"},
	} {
		name := job.ReservationKey(parts[0], parts[1], parts[2])
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q have the same reservation", parts, other)
		}
		if again := job.ReservationKey(parts[0], parts[1], parts[2]); again != name || len(name) != 64 {
			t.Errorf("%q: %s, then %s", parts, name, again)
		}
		seen[name] = parts
	}
}
