package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestDeadLettersBecomeFailures keeps the promise that a job whose message the
// queue gave up on reaches its caller as failed, with the reason, while the
// message stays for operators.
func TestDeadLettersBecomeFailures(t *testing.T) {
	running := func(m *job.Message) *job.Record {
		r := job.Claim(m, time.Now())
		return &r
	}
	another := func(m *job.Message) *job.Record {
		r := running(m)
		r.Operation = "another"
		return r
	}
	waiting := func(m *job.Message) *job.Record {
		r, _ := job.Claim(m, time.Now()).Retry(job.Failure{Code: "Hiccup"}, time.Now().Add(time.Minute), time.Now())
		return &r
	}
	for _, c := range []struct {
		name   string
		reason string
		record func(m *job.Message) *job.Record
		bad    error
		want   job.Status
		code   job.Code
	}{
		{"expired", "TTLExpiredException", nil, nil, job.StatusFailed, job.CodeExpired},
		{"delivered too often", "MaxDeliveryCountExceeded", nil, nil, job.StatusFailed, job.CodeDeliveryCountExceeded},
		{"delivered too often while running", "MaxDeliveryCountExceeded", running, nil, job.StatusFailed, job.CodeDeliveryCountExceeded},
		{"for another reason", "Operator", nil, nil, job.StatusFailed, job.CodeDeadLettered},
		{"not understood", "Operator", nil, errors.New("what?"), job.StatusFailed, job.CodeInvalidMessage},
		{"not understood, of a running job", "Operator", running, errors.New("what?"), job.StatusRunning, ""},
		{"with the id of a job of another operation", "Operator", another, nil, job.StatusRunning, ""},
		{"of a try that is over", "MaxDeliveryCountExceeded", waiting, nil, job.StatusSucceeded, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				m := w.message("x")
				if c.record != nil {
					if err := w.records.Insert(t.Context(), c.record(&m)); err != nil {
						t.Fatal(err)
					}
				}
				w.queue.sendDead(m, c.bad, c.reason)
				r := w.start(echo)
				time.Sleep(2 * time.Minute)
				r.end(t)
				got := w.records.now(m.ID)
				if got.Status != c.want {
					t.Fatalf("record: %+v", got)
				}
				if c.code != "" && (got.Failure.Code != c.code || !strings.Contains(string(got.Failure.Detail), c.reason)) {
					t.Errorf("failure %+v with detail %s", got.Failure, got.Failure.Detail)
				}
				if _, dead := w.queue.counts(); dead != 1 {
					t.Errorf("%d messages in the dead-letter queue", dead)
				}
			})
		})
	}
}

// TestDeadLettersPastRetention keeps the promise that a message that lies in
// the dead-letter queue for longer than jobs are known makes no new record.
func TestDeadLettersPastRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.message("x")
		w.queue.sendDead(m, nil, "TTLExpiredException")
		time.Sleep(8 * 24 * time.Hour)
		r := w.start(echo)
		time.Sleep(time.Minute)
		r.end(t)
		if past := w.records.past(m.ID); len(past) != 0 {
			t.Errorf("history: %+v", past)
		}
	})
}

// TestDeadLettersAreReadOnce keeps the promise that each dead letter costs a
// look at its record once, that late ones with an early number are found too,
// and that an outage only delays them.
func TestDeadLettersAreReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		late := w.message("late")
		w.queue.sequence++ // kept for the late one
		var ids []job.ID
		for range 250 {
			m := w.message("x")
			ids = append(ids, m.ID)
			w.queue.sendDead(m, nil, "TTLExpiredException")
		}
		w.queue.sendDead(job.Message{}, errors.New("no id"), "InvalidMessage")
		w.records.setFault(func(string) fault { return faultFails })
		r := w.start(echo)
		time.Sleep(time.Minute)
		synctest.Wait()
		reads := w.records.readCount()
		w.records.setFault(nil)
		for _, id := range ids {
			w.untilTerminal(id)
		}
		time.Sleep(time.Minute)
		if more := w.records.readCount() - reads; more != len(ids) {
			t.Errorf("%d reads for %d dead letters", more, len(ids))
		}
		next := w.queue.sequence
		w.queue.sequence = 0
		w.queue.sendDead(late, nil, "MaxDeliveryCountExceeded")
		w.queue.sequence = next
		w.untilTerminal(late.ID)
		r.end(t)
	})
}

// slowPeeker answers its first call after a while, as through an outage.
type slowPeeker struct {
	worker.Peeker
	first time.Duration
}

func (p *slowPeeker) Peek(ctx context.Context, from int64, max int) ([]*job.Delivery, error) {
	time.Sleep(p.first)
	p.first = 0
	return p.Peeker.Peek(ctx, from, max)
}

// TestDeadLettersAfterAnOutage keeps the promise that what is dead-lettered
// after an outage through which the dead-letter queue could not be read is told
// soon, however long that took.
func TestDeadLettersAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.DeadLetters = &slowPeeker{w.queue, time.Minute}
		r := w.start(echo)
		time.Sleep(time.Minute + time.Second)
		m := w.message("x")
		w.queue.sendDead(m, nil, "TTLExpiredException")
		time.Sleep(2 * worker.DefaultSweep)
		if got := w.records.now(m.ID); got.Status != job.StatusFailed || got.Failure.Code != job.CodeExpired {
			t.Errorf("record: %+v", got)
		}
		r.end(t)
	})
}
