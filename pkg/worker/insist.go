package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const (
	callTimeout   = 10 * time.Second // of one call to a store
	firstPause    = 100 * time.Millisecond
	longestPause  = 5 * time.Second
	patience      = 15 * time.Minute // for a store that is out of order
	settleTimeout = 10 * time.Second // of one settlement; the SDK's own retries take far longer
)

// insist calls f until it succeeds, gives an error that stands, or the message
// is lost: while a store is out of order, jobs wait rather than being
// delivered again and again until the queue gives them up. Only patience ends
// that, lest a record that no store will ever take holds its slot for good.
func (t *task) insist(what string, f func(ctx context.Context) error) error {
	began := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		ctx, cancel := context.WithTimeout(t.hold, callTimeout)
		err := f(ctx)
		cancel()
		if t.hold.Err() != nil && err != nil {
			return context.Cause(t.hold)
		}
		if err == nil || stands(err) || time.Since(began) > patience {
			return err
		}
		t.log.Warn(what+" failed; trying again", "error", err)
		select {
		case <-t.hold.Done():
			return context.Cause(t.hold)
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// persist moves the record on by one step, insistently.
func (t *task) persist(what string, step step) error {
	now := t.timestamp()
	return t.insist(what, func(ctx context.Context) error { return t.claim.write(ctx, now, step) })
}

// stands reports whether trying again cannot change the error.
func stands(err error) bool {
	return slices.ContainsFunc([]error{
		job.ErrCanceled, job.ErrOvertaken, job.ErrLockLost, job.ErrShutdown,
	}, func(final error) bool { return errors.Is(err, final) })
}
