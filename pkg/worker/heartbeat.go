package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const (
	claimAfter    = time.Second            // a job that ends sooner is never written as running
	progressAfter = 250 * time.Millisecond // nor is one that reports progress and ends sooner than this
	progressPace  = time.Second            // shortest time between two writes of progress
)

// progress is what a handler reported last.
type progress struct {
	changed chan struct{} // holds a token after a report

	mu      sync.Mutex
	percent float64
	message string
}

func newProgress() *progress { return &progress{changed: make(chan struct{}, 1)} }

func (p *progress) report(percent float64, message string) {
	p.mu.Lock()
	p.percent, p.message = percent, message
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *progress) last() (float64, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.percent, p.message
}

// beating writes heartbeats, once one can be due, until stop is closed. A
// handler that returns before costs no more than a timer.
func (t *task) beating(p *progress, cancel context.CancelCauseFunc, stop <-chan struct{}) *later {
	start := time.Now()
	first := t.firstBeat()
	return begin(min(first, progressAfter), func() { t.beat(p, cancel, stop, start, first) })
}

// beat writes heartbeats with the progress until stop is closed: each
// Options.Heartbeat, sooner when there is progress to tell, and for the first
// time early, which is what claims a new job. A heartbeat that finds the job
// in other hands cancels the handler and is the last.
func (t *task) beat(p *progress, cancel context.CancelCauseFunc, stop <-chan struct{}, start time.Time, first time.Duration) {
	due, soonest := start.Add(first), start.Add(progressAfter)
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-p.changed:
			if soonest.Before(due) {
				due = soonest
				timer.Reset(time.Until(due))
			}
			continue
		case <-timer.C:
		}
		if err := t.writeHeartbeat(p); stands(err) {
			cancel(err)
			return
		}
		last := time.Now()
		due, soonest = last.Add(t.Heartbeat), last.Add(progressPace)
		timer.Reset(t.Heartbeat)
	}
}

func (t *task) firstBeat() time.Duration {
	if t.claim.current().Version == "" {
		return min(claimAfter, t.Heartbeat)
	}
	return t.Heartbeat
}

// writeHeartbeat writes one heartbeat. A store that does not answer is left to
// the next one.
func (t *task) writeHeartbeat(p *progress) error {
	ctx, cancel := context.WithTimeout(t.hold, max(t.Heartbeat, time.Second))
	defer cancel()
	err := t.claim.write(ctx, t.timestamp(), func(r job.Record, now time.Time) (job.Record, error) {
		percent, message := p.last()
		return r.Heartbeat(percent, message, now)
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.log.Warn("heartbeat failed", "error", err)
	}
	return err
}
