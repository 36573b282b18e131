package tablestore

import (
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// WaitFor has s not lose its patience with a write that gets no answer.
func (s *Store) WaitFor(patience time.Duration) { s.writes = s.newWrites(patience) }

// Waiting gives how many writes gather in the partition of a job.
func (s *Store) Waiting(id job.ID) int {
	return s.writes.Waiting(partitionOf(id))
}
