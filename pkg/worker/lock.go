package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const (
	renewTimeout     = 10 * time.Second
	renewRetry       = 100 * time.Millisecond // shortest wait between two tries
	renewWithoutTime = 5 * time.Second        // when the clocks disagree by more than a lock
)

// lock is the peek-lock on one message.
type lock struct {
	receiver Receiver

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

func (l *lock) until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delivery.LockedUntil
}

// keep renews the lock at half its time until ctx is done. When the lock is
// gone, or has run out while the broker could not be reached, it says so to
// lost and ends.
func (l *lock) keep(ctx context.Context, lost context.CancelCauseFunc) {
	until := l.until()
	wait := time.Until(until) / 2
	if wait <= 0 {
		wait = renewWithoutTime
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := l.renew(ctx)
		switch {
		case err == nil:
			until = l.until()
			if wait = time.Until(until) / 2; wait <= 0 {
				wait = renewWithoutTime
			}
		case errors.Is(err, job.ErrLockLost) || time.Now().After(until):
			lost(job.ErrLockLost)
			return
		default:
			wait = max(time.Until(until)/4, renewRetry)
		}
	}
}
