package estimate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// population draws how long jobs take.
type population func(r *rand.Rand) time.Duration

func fixed(d time.Duration) population {
	return func(r *rand.Rand) time.Duration { return d + time.Duration(r.Float64()*float64(d)/100) }
}

func exponential(mean time.Duration) population {
	return func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(mean)) }
}

func bimodal(short, long time.Duration, partShort float64) population {
	return func(r *rand.Rand) time.Duration {
		if r.Float64() < partShort {
			return fixed(short)(r)
		}
		return fixed(long)(r)
	}
}

// learned gives an estimator that knows what n jobs took, and that requests
// wait for so long.
func learned(t *testing.T, r *rand.Rand, p population, wait time.Duration, n int) *Estimator {
	t.Helper()
	o, err := NewObserver(&Options{Store: nothing{}})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		o.Received("work", wait)
		o.Ended("work", p(r))
	}
	e, err := NewEstimator(&Options{Store: nothing{}})
	if err != nil {
		t.Fatal(err)
	}
	e.asked.Store(math.MaxInt64) // just now, whenever that is
	now := time.Now()
	e.known.Store(newKnowledge([]report{*o.report(now)}, now))
	return e
}

// retryAfter is what the services make of an estimate.
func retryAfter(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(min(max(d, time.Second), time.Minute).Seconds())) * time.Second
}

// follow polls a job as Retry-After says, and gives how often and how long after
// the job's end it saw that.
func follow(e *Estimator, wait, took time.Duration) (polls int, late time.Duration) {
	submitted := time.Now()
	for age := retryAfter(e.Submitted("work")); ; polls++ {
		if age >= wait+took {
			return polls + 1, age - wait - took
		}
		r := job.Record{SubmittedAt: submitted}
		if age >= wait {
			r.Status, r.Operation, r.StartedAt = job.StatusRunning, "work", submitted.Add(wait)
		}
		next, known := e.Pending(r, age)
		if !known {
			next = age / 4
		}
		age += retryAfter(next)
	}
}

// TestPolls keeps the promise of Retry-After: callers that heed it see the
// median job's end by their third poll, or as soon as polls that are a minute
// apart at most allow, and not long after it.
func TestPolls(t *testing.T) {
	for _, c := range []struct {
		name        string
		jobs        population
		wait        time.Duration
		medianPolls int
		p99Polls    int
		medianLate  time.Duration
		p90Late     time.Duration
	}{
		{"20 ms", fixed(20 * time.Millisecond), 0, 1, 1, time.Second, time.Second},
		{"2 s", fixed(2 * time.Second), 0, 1, 1, time.Second, time.Second},
		{"45 s", fixed(45 * time.Second), 0, 1, 2, time.Second, time.Second},
		{"2 s after 30 s in the queue", fixed(2 * time.Second), 30 * time.Second, 1, 1, time.Second, time.Second},
		{"exponential, 10 s", exponential(10 * time.Second), 0, 3, 10, 3 * time.Second, 10 * time.Second},
		{"exponential, 100 s", exponential(100 * time.Second), 0, 3, 12, 30 * time.Second, 55 * time.Second},
		{"1 s or 1 min", bimodal(time.Second, time.Minute, 0.5), 0, 2, 3, time.Second, 2 * time.Second},
		{"1 s, rarely 1 min", bimodal(time.Second, time.Minute, 0.95), 0, 1, 3, time.Second, time.Second},
		{"10 min", fixed(10 * time.Minute), 0, 12, 12, 2 * time.Second, 10 * time.Second}, // at most 60 s apart
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			e := learned(t, r, c.jobs, c.wait, 1000)
			defer e.Close()
			const n = 2000
			var polls []int
			var lates []time.Duration
			for range n {
				count, late := follow(e, c.wait, c.jobs(r))
				polls, lates = append(polls, count), append(lates, late)
			}
			slices.Sort(polls)
			slices.Sort(lates)
			t.Logf("polls: median %d, p99 %d; late: median %v, p90 %v", polls[n/2], polls[n*99/100], lates[n/2], lates[n*9/10])
			if polls[n/2] > c.medianPolls || polls[n*99/100] > c.p99Polls {
				t.Errorf("want median %d, p99 %d", c.medianPolls, c.p99Polls)
			}
			if lates[n/2] > c.medianLate || lates[n*9/10] > c.p90Late {
				t.Errorf("want late median %v, p90 %v", c.medianLate, c.p90Late)
			}
		})
	}
}
