package tablestore

import (
	"fmt"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// lookAhead is how far beyond the jobs that are asked for a query of several
// looks. Jobs that were accepted together are received one soon after the
// other, so the next question is mostly answered then.
const lookAhead = 50 * time.Millisecond

// staleView is when a view is forgotten.
const staleView = time.Second

// view is what a query found between two points in time of a partition.
type view struct {
	at       time.Time // when the query began
	from, to time.Time // of the ids that it looked at, both included
	present  map[job.ID]bool
}

// views are the latest of each partition.
type views struct {
	mu     sync.Mutex
	latest map[partition]view
}

// put keeps a view and forgets what has become stale.
func (v *views) put(place partition, latest view) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, old := range v.latest {
		if latest.at.Sub(old.at) > staleView {
			delete(v.latest, key)
		}
	}
	if v.latest == nil {
		v.latest = map[partition]view{}
	}
	v.latest[place] = latest
}

func (v *views) get(place partition) (view, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.latest[place]
	return found, ok
}

// Absent reports whether a job is known to have had no record at most maxAge
// ago, and not more than a second ago: a [Store.Lookup] of jobs that were
// issued at about the same time saw so. It makes no request. False says
// nothing.
func (s *Store) Absent(id job.ID, maxAge time.Duration) bool {
	place := partitionOf(id)
	if place.day == job.ForeignDay {
		return false // such an id tells no time
	}
	seen, ok := s.views.get(place)
	return ok && time.Since(seen.at) <= min(maxAge, staleView) &&
		!id.Time().Before(seen.from) && !id.Time().After(seen.to) && !seen.present[id]
}

// rangeFilter asks for what was issued between two points in time, both
// included.
func rangeFilter(place partition, from, to time.Time) string {
	return fmt.Sprintf("PartitionKey eq '%s' and RowKey ge '%s' and RowKey lt '%s'",
		shardKey(place.shard), rowsSince(from), rowsSince(to.Add(time.Millisecond)))
}

// rowsSince gives the beginning of the ids of a millisecond. It sorts before
// all that were issued then and later, and after all others.
func rowsSince(t time.Time) string {
	digits := fmt.Sprintf("%012x", t.UnixMilli())
	return digits[:8] + "-" + digits[8:]
}
