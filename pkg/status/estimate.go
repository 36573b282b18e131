package status

import (
	"math"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Bounds of Retry-After.
const (
	minRetryAfter = time.Second
	maxRetryAfter = time.Minute
)

// retryAfter gives the seconds until a pending job is worth asking about
// again.
func (s *Service) retryAfter(r job.Record) int {
	age := max(0, s.now().Sub(r.SubmittedAt))
	estimate, known := s.options.Estimate(r, age)
	if !known {
		estimate = estimateByAge(r, age)
	}
	clamped := min(max(estimate, minRetryAfter), maxRetryAfter)
	return int(math.Ceil(clamped.Seconds()))
}

// estimateByAge assumes that a job takes a little longer than it has taken so
// far. One that waits for its next attempt cannot end before that.
func estimateByAge(r job.Record, age time.Duration) time.Duration {
	return max(age/4, time.Until(r.NextAttemptAt))
}
