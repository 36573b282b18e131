package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// claim is a worker's hold on the record of a job. Every write is conditional
// on the version known here, so that of several workers only one goes on.
//
// A claim begins unstored: the first write makes it count, be it a heartbeat
// or, for a job that ends before one is due, the terminal record itself. When
// that first write finds another worker's record, it takes the job over, for
// whoever holds the lock on the message is in the right. When a later write
// does, somebody else took over, who holds a lock too; then this worker is out.
//
// Taking over reads the record, then renews the lock, then writes: if the lock
// was good after the read, nobody can have claimed by the same message before.
type claim struct {
	records Records
	lock    *lock

	mu     sync.Mutex // writes are one at a time
	record job.Record // as stored, or as the first write will store it
	held   bool       // record's attempt is stored as ours
	doubts []time.Time
}

// step gives the record that is to follow, whose UpdatedAt is now.
type step func(r job.Record, now time.Time) (job.Record, error)

// timestamp gives the present to the microsecond, which every store keeps. It
// tells a record's versions apart: a write that went through although its
// reply was lost is recognised by the time it bears.
func (o *Options) timestamp() time.Time { return o.Now().UTC().Truncate(time.Microsecond) }

// maxDoubts bounds the writes of unknown outcome that are remembered.
const maxDoubts = 32

// current gives the record as this worker knows it.
func (c *claim) current() job.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.record
}

// begin sets the record that the first write is to store, or what follows it.
func (c *claim) begin(r job.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record = r
}

// write moves the record on by one step. It gives [job.ErrCanceled] or
// [job.ErrOvertaken] if the job is out of this worker's hands, and
// [job.ErrLockLost] if the message is. After any other error the same write
// may be tried again with the same now.
func (c *claim) write(ctx context.Context, now time.Time, step step) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		next, err := step(c.record, now)
		if err != nil {
			return err
		}
		if err = c.put(ctx, &next); err == nil {
			c.record, c.held, c.doubts = next, true, nil
			return nil
		}
		if !refused(err) {
			c.doubt(now)
			return err
		}
		done, err := c.reconcile(ctx, next)
		if done || err != nil {
			return err
		}
	}
}

func (c *claim) put(ctx context.Context, r *job.Record) error {
	if r.Version == "" {
		return c.records.Insert(ctx, r)
	}
	return c.records.Update(ctx, r)
}

// refused reports whether a store said no, rather than nothing.
func refused(err error) bool {
	return errors.Is(err, job.ErrExists) || errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound)
}

func (c *claim) doubt(at time.Time) {
	if len(c.doubts) < maxDoubts && !slices.ContainsFunc(c.doubts, at.Equal) {
		c.doubts = append(c.doubts, at)
	}
}

// reconcile looks why the write of next was refused. It reports whether next is
// in fact stored; if not, and without an error, it is to be tried again on what
// the claim knows now.
func (c *claim) reconcile(ctx context.Context, next job.Record) (bool, error) {
	got, err := c.records.Get(ctx, c.record.ID)
	switch {
	case errors.Is(err, job.ErrNotFound) && c.record.Version == "":
		return false, nil
	case errors.Is(err, job.ErrNotFound):
		return false, fmt.Errorf("the record is gone: %w", job.ErrOvertaken)
	case err != nil:
		c.doubt(next.UpdatedAt)
		return false, err
	case same(got, next):
		c.record, c.held, c.doubts = got, true, nil
		return true, nil
	case c.wrote(got):
		c.record, c.held = got, true
		return false, nil
	case got.Status == job.StatusCanceled:
		return false, job.ErrCanceled
	case got.Status.Terminal() || c.held:
		return false, job.ErrOvertaken
	}
	return false, c.adopt(ctx, got, next.UpdatedAt)
}

// same reports whether the stored record is the one that was to be written.
func same(got, next job.Record) bool {
	return got.UpdatedAt.Equal(next.UpdatedAt) && got.Status == next.Status &&
		got.Attempt == next.Attempt && got.FailedAttempts == next.FailedAttempts &&
		(got.Result == nil) == (next.Result == nil) && (got.Result == nil || got.Result.Blob == next.Result.Blob)
}

// wrote reports whether a stored record is this worker's own: a write that was
// given up on has gone through after all, or the same attempt goes on.
func (c *claim) wrote(got job.Record) bool {
	if got.Status.Terminal() {
		return false
	}
	return slices.ContainsFunc(c.doubts, got.UpdatedAt.Equal) || c.held &&
		got.Attempt == c.record.Attempt && got.FailedAttempts == c.record.FailedAttempts
}

// adopt prepares to take over a running job whose record was just read.
func (c *claim) adopt(ctx context.Context, got job.Record, now time.Time) error {
	if err := c.lock.renew(ctx); err != nil {
		return err
	}
	var err error
	c.record, err = got.TakeOver(now)
	return err
}

// takeOver claims a job that has a record already.
func (c *claim) takeOver(ctx context.Context, known job.Record, now time.Time) error {
	if err := c.adoptKnown(ctx, known, now); err != nil {
		return err
	}
	return c.write(ctx, now, func(r job.Record, now time.Time) (job.Record, error) {
		r.UpdatedAt = now
		return r, nil
	})
}

func (c *claim) adoptKnown(ctx context.Context, known job.Record, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.adopt(ctx, known, now)
}
