package redrive_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/redrive"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestRedrive states that dead-lettered jobs that are put back run again, as
// often as their operation allows, keep their last error, and leave the
// dead-letter queue empty.
func TestRedrive(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle(fails)
	s.work()
	var ids []job.ID
	for range 150 { // more than one page
		ids = append(ids, s.send(s.message()))
	}
	s.untilDead(len(ids))
	var mu sync.Mutex
	tries := map[job.ID]int{}
	s.handle(func(j *worker.Job) error {
		mu.Lock()
		defer mu.Unlock()
		if tries[j.ID]++; tries[j.ID] < 2 {
			return errors.New("not yet")
		}
		return nil
	})
	if _, summary := s.outcomes(nil); summary[redrive.Redriven] != len(ids) || len(summary) != 1 {
		t.Errorf("summary %v", summary)
	}
	for _, id := range ids {
		r := s.until(id, job.StatusSucceeded)
		if r.Attempt != 3 || r.LastError == nil || r.Failure != nil || r.RedrivenAt.IsZero() {
			t.Errorf("record %+v", r)
		}
	}
	s.untilDead(0)
}

// TestRedriveByID states that only what is selected is put back, and that the
// rest is at once there for others.
func TestRedriveByID(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle(fails)
	s.work()
	one, other := s.send(s.message()), s.send(s.message())
	s.untilDead(2)
	s.handle(succeeds)
	if _, summary := s.outcomes(byID(other)); summary[redrive.Redriven] != 1 || len(summary) != 1 {
		t.Errorf("summary %v", summary)
	}
	s.until(other, job.StatusSucceeded)
	if left := s.untilDead(1)[0]; left.Message.ID != one {
		t.Errorf("left %+v", left)
	}
	if r := s.until(one, job.StatusFailed); !r.RedrivenAt.IsZero() {
		t.Errorf("the other's record %+v", r)
	}
	if actions, _ := s.outcomes(byID(one)); actions[one] != redrive.Redriven {
		t.Errorf("then %v", actions)
	}
	s.until(one, job.StatusSucceeded)
}

// TestDryRun states that a dry run says what would be done and does nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle(fails)
	s.work()
	id := s.send(s.message())
	s.untilDead(1)
	before := s.until(id, job.StatusFailed)
	actions, _ := s.outcomes(func(o *redrive.Options) { o.DryRun = true })
	if actions[id] != redrive.Redriven {
		t.Errorf("foretold %v", actions)
	}
	if after := s.until(id, job.StatusFailed); after.Version != before.Version {
		t.Errorf("the record changed: %+v", after)
	}
	s.untilDead(1)
}

// TestFailsAgain states that a redriven job that fails again is dead-lettered
// again, is not redriven for ever by one run, and can be put back once more.
func TestFailsAgain(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle(fails)
	s.work()
	id := s.send(s.message())
	for round := 2; round <= 3; round++ {
		s.untilDead(1)
		if _, summary := s.outcomes(nil); summary[redrive.Redriven] != 1 || len(summary) != 1 {
			t.Errorf("summary %v", summary)
		}
		if dead := s.untilDead(1)[0]; dead.Message.Attempt != round {
			t.Errorf("dead letter of attempt %d, want %d", dead.Message.Attempt, round)
		}
		s.until(id, job.StatusFailed)
	}
	s.handle(succeeds)
	s.outcomes(nil)
	s.until(id, job.StatusSucceeded)
	s.untilDead(0)
}

// TestWhatStays states that what cannot be put back stays in the dead-letter
// queue, with the job as it is.
func TestWhatStays(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	old := s.message()
	old.ID = s.oldID()
	malformed, canceled := s.message(), s.message()
	malformed.Operation = ""
	s.send(old)
	s.send(malformed)
	s.send(canceled)
	record := job.CancelQueued(canceled.ID, "", time.Now())
	if err := s.records.Insert(t.Context(), &record); err != nil {
		t.Fatal(err)
	}
	s.kill(3)
	actions, summary := s.outcomes(nil)
	if summary[redrive.Skipped] != 3 || len(summary) != 1 {
		t.Errorf("actions %v, summary %v", actions, summary)
	}
	s.untilDead(3)
	s.until(canceled.ID, job.StatusCanceled)
	if _, err := s.records.Get(t.Context(), old.ID); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("a job past retention has a record again: %v", err)
	}
}

// oldID gives an id that is past retention.
func (s *system) oldID() job.ID {
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		s.t.Fatal(err)
	}
	return job.NewIssuer(ring, func() time.Time { return time.Now().Add(-25 * time.Hour) }).Issue("")
}

// kill dead-letters what is in the queue, as an operator does by hand.
func (s *system) kill(n int) {
	s.t.Helper()
	queue := s.receiver(false)
	for n > 0 {
		messages, err := queue.Receive(s.t.Context(), n)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, d := range messages {
			if err := queue.DeadLetter(s.t.Context(), d, "by hand", ""); err != nil {
				s.t.Fatal(err)
			}
			n--
		}
	}
}

// TestBeforeAnyWorker states that a job whose dead letter no worker has seen
// yet, so that it has no record, can be put back.
func TestBeforeAnyWorker(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	id := s.send(s.message())
	s.kill(1)
	s.handle(succeeds)
	if actions, _ := s.outcomes(nil); actions[id] != redrive.Redriven {
		t.Errorf("actions %v", actions)
	}
	s.work()
	if r := s.until(id, job.StatusSucceeded); r.Attempt != 1 {
		t.Errorf("record %+v", r)
	}
	s.untilDead(0)
}

// broken is a sender that is out of order.
type broken struct{}

func (broken) Schedule(context.Context, *job.Message, time.Time) error { return job.ErrBusy }

// TestBrokenOff states that a redrive that broke off after the record was
// written is ended by the next one, or by any worker, and that what it left
// behind is removed.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	for name, worked := range map[string]bool{"ended by the next run": false, "ended by a worker": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			s.handle(succeeds)
			id := s.send(s.message())
			s.kill(1)
			actions, _ := s.outcomes(func(o *redrive.Options) { o.Scheduler = broken{} })
			if actions[id] != redrive.Failed {
				t.Errorf("actions %v", actions)
			}
			s.until(id, job.StatusRunning)
			s.untilDead(1)
			want := redrive.Redriven
			if worked {
				s.work()
				s.until(id, job.StatusSucceeded)
				want = redrive.Removed
			}
			if actions, _ = s.outcomes(nil); actions[id] != want {
				t.Errorf("then %v, want %s", actions, want)
			}
			if !worked {
				s.work()
			}
			s.until(id, job.StatusSucceeded)
			s.untilDead(0)
		})
	}
}

// forgetful is a dead-letter queue from which nothing can be removed.
type forgetful struct{ redrive.DeadLetters }

func (forgetful) Complete(context.Context, *job.Delivery) error { return job.ErrLockLost }

// TestDeadLetterThatStays states that a dead letter that could not be removed
// neither fails the job nor runs it twice, and that the next run removes it.
func TestDeadLetterThatStays(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	var runs atomic.Int32
	s.handle(fails)
	s.work()
	id := s.send(s.message())
	s.untilDead(1)
	s.handle(func(*worker.Job) error { runs.Add(1); return nil })
	stays := s.receiver(true)
	s.outcomes(func(o *redrive.Options) { o.DeadLetters = forgetful{stays} })
	s.until(id, job.StatusSucceeded)
	s.broker.Faults().ExpireLocks("jobs/$DeadLetterQueue")
	if actions, _ := s.outcomes(nil); actions[id] != redrive.Removed {
		t.Errorf("then %v", actions)
	}
	s.untilDead(0)
	if r := s.until(id, job.StatusSucceeded); r.Attempt != 2 || runs.Load() != 1 {
		t.Errorf("%d runs, record %+v", runs.Load(), r)
	}
}
