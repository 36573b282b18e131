package estimate

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Estimator says when a job is worth asking about, by what all workers reported.
// It is safe for concurrent use, and what it is asked never waits for anything.
// Close it when it is no longer asked.
type Estimator struct {
	options Options
	trouble trouble
	known   atomic.Pointer[knowledge]
	asked   atomic.Int64 // about when last, in Unix nanoseconds

	ctx    context.Context // of all looks
	cancel context.CancelFunc
	looks  sync.WaitGroup

	mu      sync.Mutex
	looking bool
}

const (
	// lookOn is how long an estimator goes on looking at the reports after it was
	// asked, so that the next who asks is not told what was known long ago.
	lookOn = 5 * time.Minute
	// firstLooks is how many looks take the time of one while there is no report.
	firstLooks = 10
	// askedEvery is how exactly it is known when it was asked.
	askedEvery = time.Second
)

// NewEstimator makes an Estimator. It makes no request until it is asked.
func NewEstimator(opts *Options) (*Estimator, error) {
	o, err := opts.complete()
	if err != nil {
		return nil, err
	}
	e := &Estimator{options: o, trouble: trouble{log: o.Logger, what: "reading how long jobs take"}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e, nil
}

// Close ends a look that goes on. None begins after it.
func (e *Estimator) Close() {
	e.cancel()
	e.begin() // so that one that is about to begin has begun, or never does
	e.looks.Wait()
}

// begin has the reports looked at in the background unless they are already.
func (e *Estimator) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.looking && e.ctx.Err() == nil {
		e.looking = true
		e.looks.Go(e.keepLooking)
	}
}

// keepLooking looks at the reports for as long as somebody asks, and more often
// until there is one.
func (e *Estimator) keepLooking() {
	for e.wanted() {
		e.look()
		rest := e.options.Interval
		if k := e.known.Load(); k != nil && len(k.operations) == 0 {
			rest /= firstLooks
		}
		pause(e.ctx, jitter(rest))
	}
}

func (e *Estimator) wanted() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.looking = e.ctx.Err() == nil && e.options.Now().UnixNano()-e.asked.Load() < int64(lookOn)
	return e.looking
}

// Submitted estimates after what time a job of the operation that is submitted now is
// worth asking about. It gives 0 when nothing is known.
func (e *Estimator) Submitted(operation string) time.Duration {
	now := e.options.Now()
	k := e.current(now)
	if k == nil {
		return 0
	}
	return k.wait(now) + k.operations[operation].next(0)
}

// Pending estimates after what time a job that was submitted so long ago is
// worth asking about again. A queued job's record has neither Status nor
// Operation. It gives false when nothing is known of jobs that took so long.
func (e *Estimator) Pending(r job.Record, age time.Duration) (time.Duration, bool) {
	now := e.options.Now()
	k := e.current(now)
	if k == nil {
		return 0, false
	}
	switch {
	case r.Status == "":
		return k.queued(age, k.wait(now))
	case !r.NextAttemptAt.IsZero():
		took := k.operations[r.Operation].next(0)
		return max(0, r.NextAttemptAt.Sub(now)) + took, took > 0
	case !r.StartedAt.IsZero():
		age -= max(0, r.StartedAt.Sub(r.SubmittedAt))
	}
	return left(k.operations[r.Operation], age)
}

// queued estimates for a job that no record says to have begun. When requests
// wait for less than its age, it has begun but not written so yet.
func (k *knowledge) queued(age, wait time.Duration) (time.Duration, bool) {
	if age < wait {
		return wait - age + k.any.next(0), true
	}
	return left(k.any, age-wait)
}

func left(d distribution, elapsed time.Duration) (time.Duration, bool) {
	next := d.next(max(0, elapsed))
	return next - elapsed, next > 0
}

// current gives what is known, and sees to it that it stays so.
func (e *Estimator) current(now time.Time) *knowledge {
	if last := e.asked.Load(); now.UnixNano()-last > int64(askedEvery) && e.asked.CompareAndSwap(last, now.UnixNano()) {
		e.begin()
	}
	k := e.known.Load()
	if k == nil || now.After(k.stands) {
		return nil
	}
	return k
}

// look reads all reports. When that fails, what was known stands.
func (e *Estimator) look() {
	ctx, cancel := context.WithTimeout(e.ctx, storeTimeout)
	defer cancel()
	now := e.options.Now()
	texts, err := e.options.Store.Since(ctx, now.Add(-expiry))
	if e.ctx.Err() != nil {
		return
	}
	e.trouble.note(err)
	if err != nil {
		return
	}
	var reports []report
	for _, text := range texts {
		if r, err := decodeReport(text); err == nil {
			reports = append(reports, r)
		}
	}
	e.known.Store(newKnowledge(reports, now))
}
