package tablestore

import (
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// WaitFor has s be that patient with a request that gets no answer.
func (s *Store) WaitFor(patience time.Duration) {
	s.writes, s.lookups = s.newWrites(patience), s.newLookups(patience)
}

// Waiting gives how many writes gather in the partition of a job.
func (s *Store) Waiting(id job.ID) int {
	return s.writes.Waiting(partitionOf(id))
}

// LookupsWaiting gives how many lookups gather in the partition of a job.
func (s *Store) LookupsWaiting(id job.ID) int { return s.lookups.Waiting(partitionOf(id)) }
