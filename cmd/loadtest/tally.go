package main

import (
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept in microseconds with three digits; longer ones count as
// the longest.
const (
	longest     = int64(time.Hour / time.Microsecond)
	digits      = 3
	mostPolls   = 1_000_000
	mostSamples = 10
)

// counts is what happened in some time.
type counts struct {
	requests, errors int64
	statuses         map[int]int64
	latency          *hdrhistogram.Histogram
	lastAnswer       time.Time
	samples          []string
	jobs             *jobCounts // nil unless jobs are followed
}

// jobCounts is what became of accepted jobs.
type jobCounts struct {
	accepted, succeeded, failed, canceled int64
	polls, pollErrors                     int64
	perJob, latency                       *hdrhistogram.Histogram
	lastEnd                               time.Time
}

func newCounts(mode string) *counts {
	c := &counts{statuses: map[int]int64{}, latency: hdrhistogram.New(1, longest, digits)}
	if mode == modeJob {
		c.jobs = &jobCounts{perJob: hdrhistogram.New(1, mostPolls, digits), latency: hdrhistogram.New(1, longest, digits)}
	}
	return c
}

// add adds what other counted, and resets other.
func (c *counts) add(other *counts) {
	c.requests += other.requests
	c.errors += other.errors
	for status, n := range other.statuses {
		c.statuses[status] += n
	}
	c.latency.Merge(other.latency)
	c.lastAnswer = later(c.lastAnswer, other.lastAnswer)
	for _, sample := range other.samples {
		c.sample(sample)
	}
	if c.jobs != nil {
		c.jobs.add(other.jobs)
	}
	other.reset()
}

func (c *counts) reset() {
	c.requests, c.errors, c.samples = 0, 0, nil
	clear(c.statuses)
	c.latency.Reset()
	if c.jobs != nil {
		c.jobs.perJob.Reset()
		c.jobs.latency.Reset()
		*c.jobs = jobCounts{perJob: c.jobs.perJob, latency: c.jobs.latency}
	}
}

func (j *jobCounts) add(other *jobCounts) {
	j.accepted += other.accepted
	j.succeeded += other.succeeded
	j.failed += other.failed
	j.canceled += other.canceled
	j.polls += other.polls
	j.pollErrors += other.pollErrors
	j.perJob.Merge(other.perJob)
	j.latency.Merge(other.latency)
	j.lastEnd = later(j.lastEnd, other.lastEnd)
}

// ends counts the jobs that have ended.
func (j *jobCounts) ends() int64 { return j.succeeded + j.failed + j.canceled }

// pending counts the jobs that have not.
func (j *jobCounts) pending() int64 { return j.accepted - j.ends() }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sample keeps an example of what went wrong, the first of its kind.
func (c *counts) sample(text string) {
	if len(c.samples) < mostSamples && !slices.Contains(c.samples, text) {
		c.samples = append(c.samples, text)
	}
}

// record records a value, the longest in place of one that is longer.
func record(h *hdrhistogram.Histogram, value int64) {
	_ = h.RecordValue(min(max(value, 1), h.HighestTrackableValue())) // which is in its range
}

// tally counts for some of the callers. A histogram is too large for each of
// thousands of callers to have one, and would be in no cache.
type tally struct {
	mu     sync.Mutex
	counts *counts
}

// do changes the counts.
func (t *tally) do(change func(*counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(t.counts)
}

// answered counts a request that got the answer it was to get.
func (t *tally) answered(status int, due time.Time) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.requests++
	c.statuses[status]++
	record(c.latency, now.Sub(due).Microseconds())
	c.lastAnswer = later(c.lastAnswer, now)
}

// failed counts a request that got no answer (status 0) or another one.
func (t *tally) failed(status int, sample string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.requests++
	c.errors++
	if status != 0 {
		c.statuses[status]++
	}
	c.sample(sample)
	c.lastAnswer = later(c.lastAnswer, time.Now())
}

// moveTo moves what was counted since the last call to sum.
func (t *tally) moveTo(sum *counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum.add(t.counts)
}
