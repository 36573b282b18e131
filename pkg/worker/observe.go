package worker

import "time"

// Observer is told how long jobs wait and take, for estimates. It is called by
// the jobs' own goroutines, so it is quick and safe for concurrent use.
type Observer interface {
	// Received tells that a request's message was delivered for the first time,
	// so long after it was submitted.
	Received(operation string, waited time.Duration)
	// Ended tells that a job succeeded or failed for good, so long after its
	// first attempt began. Pauses between attempts count.
	Ended(operation string, took time.Duration)
}

// observeReceived tells how long the request waited. A message that was
// delivered before tells of a crash or a stop and not of the queue, and the copy
// for another try of a pause.
func (t *task) observeReceived(now time.Time) {
	if t.Observer == nil || t.delivery.DeliveryCount > 1 || t.message.Attempt > 1 {
		return
	}
	since := t.message.SubmittedAt
	if since.IsZero() {
		since = t.delivery.EnqueuedAt
	}
	if !since.IsZero() {
		t.Observer.Received(t.operation.Name, max(0, now.Sub(since)))
	}
}

// observeEnded tells how long the job took, if it has come to an end of its own,
// until now: that its record says so is what callers wait for.
func (t *task) observeEnded() {
	if t.Observer == nil {
		return
	}
	r := t.claim.current()
	if r.FinishedAt.IsZero() || r.StartedAt.IsZero() || !r.RedrivenAt.IsZero() {
		return
	}
	t.Observer.Ended(t.operation.Name, max(0, t.timestamp().Sub(r.StartedAt)))
}
