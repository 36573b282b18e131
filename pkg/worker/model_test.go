package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// scenario is what happens to some jobs and workers.
type scenario struct {
	jobs    []behaviour
	workers int
	events  []event
	seed    uint64 // of the calls that fail
}

// behaviour is what a job's handler does in each of its runs; the last is
// repeated.
type behaviour []run

type run struct {
	takes time.Duration
	ends  string // succeed, big, fail, retry or panic
}

// event is something that happens at a time.
type event struct {
	at     time.Duration
	what   string
	target int // a job or a worker
}

// faultTime is how long events go on; what is left then is to come to its end
// without any.
const faultTime = 10 * time.Minute

func drawScenario(t *rapid.T) scenario {
	takes := rapid.SampledFrom([]time.Duration{0, 300 * time.Millisecond, 2 * time.Second, 20 * time.Second, 2 * time.Minute})
	ends := rapid.SampledFrom([]string{"succeed", "succeed", "big", "fail", "retry", "panic"})
	oneRun := rapid.Custom(func(t *rapid.T) run { return run{takes.Draw(t, "takes"), ends.Draw(t, "ends")} })
	oneEvent := rapid.Custom(func(t *rapid.T) event {
		return event{
			at: time.Duration(rapid.IntRange(0, int(faultTime/time.Second)).Draw(t, "second")) * time.Second,
			what: rapid.SampledFrom([]string{
				"expire locks", "cancel", "cut off", "stop", "again",
				"records fail", "records mute", "results fail", "settling fails", "all well",
			}).Draw(t, "what"),
			target: rapid.IntRange(0, 5).Draw(t, "target"),
		}
	})
	s := scenario{
		jobs:    rapid.SliceOfN(rapid.Custom(func(t *rapid.T) behaviour { return rapid.SliceOfN(oneRun, 1, 4).Draw(t, "runs") }), 1, 5).Draw(t, "jobs"),
		workers: rapid.IntRange(1, 3).Draw(t, "workers"),
		events:  rapid.SliceOfN(oneEvent, 0, 12).Draw(t, "events"),
		seed:    rapid.Uint64().Draw(t, "seed"),
	}
	slices.SortFunc(s.events, func(a, b event) int { return int(a.at - b.at) })
	return s
}

// TestAnyOrderOfEvents keeps the promise that whatever happens to several
// workers, each accepted job reaches exactly one terminal state, and its
// result is one, complete.
func TestAnyOrderOfEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScenario(rt)
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = s.play(t) })
		if len(wrong) > 0 {
			rt.Fatalf("%v", wrong)
		}
	})
}

// member is one of several workers, which can be cut off from everything.
type member struct {
	*running
	cut *atomic.Bool
}

// play lets the scenario happen and tells what is wrong in the end.
func (s scenario) play(t *testing.T) (wrong []string) {
	w := newWorld(t)
	w.options.Logger = nil
	var ids []job.ID
	for i := range s.jobs {
		ids = append(ids, w.submit(fmt.Sprint(i)))
	}
	var members []*member
	for range s.workers {
		members = append(members, w.join(s.handler(ids)))
	}
	began := time.Now()
	for _, e := range s.events {
		time.Sleep(time.Until(began.Add(e.at)))
		target := members[e.target%len(members)]
		switch e.what {
		case "cut off":
			target.cut.Store(true)
			members = append(members, w.join(s.handler(ids)))
		case "stop":
			target.stop()
			members = append(members, w.join(s.handler(ids)))
		default:
			w.happen(e, ids[e.target%len(ids)], s.seed)
		}
	}
	w.happen(event{what: "all well"}, job.ID{}, 0)
	members = append(members, w.join(s.handler(ids)))
	time.Sleep(2 * time.Hour)
	for _, m := range members {
		m.stop()
		if err := <-m.done; err != nil {
			wrong = append(wrong, "Run: "+err.Error())
		}
	}
	for i, id := range ids {
		wrong = append(wrong, w.judge(id, fmt.Sprint(i))...)
	}
	if active, _ := w.queue.counts(); active != 0 {
		wrong = append(wrong, fmt.Sprintf("%d messages left in the queue", active))
	}
	return wrong
}

// happen lets an event happen to the job with the given id.
func (w *world) happen(e event, id job.ID, seed uint64) {
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, uint64(e.at)))
	sometimes := func(f fault) func(string) fault {
		return func(string) fault {
			mu.Lock()
			defer mu.Unlock()
			if dice.IntN(3) > 0 {
				return f
			}
			return faultNone
		}
	}
	switch e.what {
	case "expire locks":
		w.queue.expireLocks()
	case "cancel":
		w.cancel(id)
	case "again":
		m := job.Message{ID: id, Operation: "work", SubmittedAt: id.Time(), Attempt: 1, Body: w.bodies[id]}
		w.queue.mu.Lock()
		delete(w.queue.seen, m.MessageID())
		w.queue.mu.Unlock()
		w.queue.send(m, nil)
	case "records fail":
		w.records.setFault(sometimes(faultFails))
	case "records mute":
		w.records.setFault(sometimes(faultMute))
	case "results fail":
		w.results.setFault(sometimes(faultFails))
	case "settling fails":
		fails := sometimes(faultFails)
		w.queue.setFault(func(operation string) error {
			if operation != "receive" && fails("") != faultNone {
				return errOutage
			}
			return nil
		})
	case "all well":
		w.records.setFault(nil)
		w.results.setFault(nil)
		w.queue.setFault(nil)
	}
}

// cancel does what the status service does when a caller cancels.
func (w *world) cancel(id job.ID) {
	r, err := w.records.Get(context.Background(), id)
	if errors.Is(err, job.ErrNotFound) {
		r = job.CancelQueued(id, "", time.Now())
		_ = w.records.Insert(context.Background(), &r) // refused: the worker was quicker
		return
	}
	if err != nil || r.Status.Terminal() {
		return
	}
	if r, err = r.Cancel(time.Now()); err == nil {
		_ = w.records.Update(context.Background(), &r) // refused: the worker was quicker
	}
}

// join starts one more worker that can be cut off.
func (w *world) join(h worker.HandlerFunc) *member {
	cut := &atomic.Bool{}
	mine := *w
	mine.options.Queue = cutQueue{w.queue, cut}
	mine.options.Scheduler = cutQueue{w.queue, cut}
	mine.options.DeadLetters = cutQueue{w.queue, cut}
	mine.options.Records = cutRecords{w.records, cut}
	return &member{mine.start(h), cut}
}

// handler does in each run of a job what the scenario says.
func (s scenario) handler(ids []job.ID) worker.HandlerFunc {
	return func(ctx context.Context, j *worker.Job) error {
		runs := s.jobs[slices.Index(ids, j.ID)]
		this := runs[min(j.Attempt, len(runs))-1]
		j.Progress(50, "at work")
		out := j.Result("text/plain")
		select {
		case <-time.After(this.takes):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		switch this.ends {
		case "fail":
			return worker.Permanent(errors.New("no"))
		case "retry":
			return errors.New("not now")
		case "panic":
			panic("oh")
		case "big":
			if _, err := out.Write(make([]byte, 300<<10)); err != nil {
				return err
			}
		}
		_, err := io.Copy(out, j.Payload())
		return err
	}
}

// judge says what is wrong with a job's end.
func (w *world) judge(id job.ID, body string) (wrong []string) {
	past := w.records.past(id)
	if len(past) == 0 || !past[len(past)-1].Status.Terminal() {
		return []string{fmt.Sprintf("job %s never ended: %+v", body, past)}
	}
	last := past[len(past)-1]
	for i, r := range past[:len(past)-1] {
		if r.Status.Terminal() {
			wrong = append(wrong, fmt.Sprintf("job %s went on after %s", body, r.Status))
		}
		if next := past[i+1]; next.Attempt < r.Attempt || next.FailedAttempts < r.FailedAttempts || next.FailedAttempts > r.FailedAttempts+1 {
			wrong = append(wrong, fmt.Sprintf("job %s: attempts went from %d (%d failed) to %d (%d failed)",
				body, r.Attempt, r.FailedAttempts, next.Attempt, next.FailedAttempts))
		}
	}
	if last.Status == job.StatusSucceeded {
		content := w.results.content(last.Result.Blob)
		if int64(len(content)) != last.Result.Size || len(content) == 0 || content[len(content)-1] != body[0] {
			wrong = append(wrong, fmt.Sprintf("job %s: result of %d bytes, recorded as %d", body, len(content), last.Result.Size))
		}
	}
	return wrong
}
