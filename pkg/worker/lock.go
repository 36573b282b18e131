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

	renewTogether = time.Second // renewals due within the same one are made together

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
// the broker could not be reached, keep says so to lost and ends. A job that
// ends before the first renewal is due costs no more than a timer.
func (l *lock) keep(ctx context.Context, lost context.CancelCauseFunc) *later {
	taken := time.Now()
	wait, lease := pace(l.left())
	wait = meet(wait)
	return begin(wait, func() { l.renewOnAndOn(ctx, lost, taken, wait, lease) })
}

// renewOnAndOn renews the lock, now and whenever it is due again. It was taken,
// or renewed, at the given time, and was to be kept for as long as wait and lease
// say.
func (l *lock) renewOnAndOn(ctx context.Context, lost context.CancelCauseFunc, renewed time.Time, wait, lease time.Duration) {
	for ctx.Err() == nil {
		err := l.renew(ctx)
		switch {
		case err == nil:
			renewed = time.Now()
			wait, lease = pace(l.left())
			wait = meet(wait)
		case errors.Is(err, job.ErrLockLost) || time.Since(renewed) > lease:
			lost(job.ErrLockLost)
			return
		default:
			wait = min(wait, renewRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// meet shortens the wait for a renewal by less than [renewTogether], so that
// those which are due at about the same time are made at the same time, unless
// that is much of the wait.
func meet(wait time.Duration) time.Duration {
	if wait < 4*renewTogether {
		return wait
	}
	due := time.Now().Add(wait)
	return wait - due.Sub(due.Truncate(renewTogether))
}
