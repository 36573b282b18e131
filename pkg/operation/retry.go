package operation

import (
	"math"
	"math/rand/v2"
	"time"
)

// Retry says how often and how soon an operation is tried again after a
// retryable error.
type Retry struct {
	Attempts   int           // tries in all, the first included
	Backoff    time.Duration // wait before the second try; doubles with each
	MaxBackoff time.Duration // upper bound of the wait
}

// Delay gives the wait after the given number of failed attempts (1 or more):
// exponential with equal jitter, half of it fixed and half random, so that
// jobs that failed together do not come back together. A longer wait that a
// backend asked for is honoured, up to MaxBackoff.
func (r Retry) Delay(failed int, asked time.Duration) time.Duration {
	full := float64(r.Backoff) * math.Pow(2, float64(max(failed, 1)-1))
	full = min(full, float64(r.MaxBackoff))
	delay := time.Duration(full/2 + rand.Float64()*full/2)
	return min(max(delay, asked), max(r.MaxBackoff, r.Backoff))
}
