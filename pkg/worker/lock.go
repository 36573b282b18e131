package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const (
	renewTimeout = 10 * time.Second
	renewRetry   = time.Second // longest wait before a renewal that failed is tried again

	// renewEvery is the longest wait between two renewals: half the shortest
	// lock that stands though the broker's clock is ahead of ours, which makes
	// locks look longer than they are.
	renewEvery = 15 * time.Second
	// renewUnclear is the wait when the broker's clock is behind ours by more
	// than a lock.
	renewUnclear = 5 * time.Second
	// A lock that cannot be renewed is given up when it has run out by the
	// clocks, but within these bounds: Azure's longest lock, and what an
	// ordinary one lasts even if the clocks say otherwise.
	shortestLease = 30 * time.Second
	longestLease  = 5 * time.Minute
)

// lock is the peek-lock on one message.
type lock struct {
	receiver Receiver
	now      func() time.Time

	mu       sync.Mutex // renewals are one at a time; they move LockedUntil
	delivery *job.Delivery
}

// renew prolongs the lock. Success proves that the message was ours until now.
func (l *lock) renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	return l.receiver.Renew(ctx, l.delivery)
}

// left gives how long the lock still lasts by the clocks of broker and worker,
// which may disagree. That it is a guess does no harm: a lock that is thought to
// last longer than it does costs a run, never a result.
func (l *lock) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delivery.LockedUntil.Sub(l.now())
}

// pace gives when to renew a lock that lasts for so long, and after how long
// without success to give it up.
func pace(left time.Duration) (wait, lease time.Duration) {
	wait = min(left/2, renewEvery)
	if left <= 0 {
		wait = renewUnclear
	}
	return wait, min(max(left, shortestLease), longestLease)
}

// keep renews the lock until ctx is done. When it is gone, or has run out while
// the broker could not be reached, keep says so to lost and ends.
func (l *lock) keep(ctx context.Context, lost context.CancelCauseFunc) {
	renewed := time.Now()
	wait, lease := pace(l.left())
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := l.renew(ctx)
		switch {
		case err == nil:
			renewed = time.Now()
			wait, lease = pace(l.left())
		case errors.Is(err, job.ErrLockLost) || time.Since(renewed) > lease:
			lost(job.ErrLockLost)
			return
		default:
			wait = min(wait, renewRetry)
		}
	}
}
