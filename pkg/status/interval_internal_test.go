package status

import (
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestInterval states how often a job is looked at while somebody waits for
// it: in proportion to its age, within bounds, whatever the clock that issued
// its id.
func TestInterval(t *testing.T) {
	now := time.Now().Truncate(time.Millisecond)
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{now: func() time.Time { return now }}
	for _, c := range []struct{ age, watched, want time.Duration }{
		{0, 0, 10 * time.Millisecond},
		{50 * time.Millisecond, 0, 10 * time.Millisecond},
		{2 * time.Second, 0, 200 * time.Millisecond},
		{10 * time.Second, 0, time.Second},
		{time.Hour, 0, time.Second},
		{-10 * time.Minute, 0, 10 * time.Millisecond},
		{-10 * time.Minute, 3 * time.Second, 300 * time.Millisecond},
	} {
		id := job.NewIssuer(ring, func() time.Time { return now.Add(-c.age) }).Issue("")
		if got := s.interval(id, now.Add(-c.watched)); got != c.want {
			t.Errorf("interval at %v, watched for %v = %v, want %v", c.age, c.watched, got, c.want)
		}
	}
}

// TestRetryAfter states that callers are told to come back after a quarter of
// the job's age, or when there can be news, in 1 to 60 s, rounded up.
func TestRetryAfter(t *testing.T) {
	now := time.Now()
	s := &Service{now: func() time.Time { return now }, options: Options{}.withDefaults()}
	for _, c := range []struct {
		age, next time.Duration
		want      int
	}{
		{0, 0, 1},
		{6 * time.Second, 0, 2},
		{40 * time.Second, 0, 10},
		{time.Hour, 0, 60},
		{-time.Hour, 0, 1},
		{4 * time.Second, 20 * time.Second, 20},
		{4 * time.Second, time.Hour, 60},
	} {
		r := job.Record{SubmittedAt: now.Add(-c.age)}
		if c.next > 0 {
			r.NextAttemptAt = now.Add(c.next)
		}
		if got := s.retryAfter(r); got != c.want {
			t.Errorf("Retry-After at %v with the next attempt in %v = %d, want %d", c.age, c.next, got, c.want)
		}
	}
	for known, want := range map[bool]int{true: 20, false: 1} {
		s.options.Estimate = func(_ job.Record, age time.Duration) (time.Duration, bool) { return age * 10, known }
		if got := s.retryAfter(job.Record{SubmittedAt: now.Add(-2 * time.Second)}); got != want {
			t.Errorf("Retry-After of an estimator, known: %v = %d, want %d", known, got, want)
		}
	}
}

// TestFirstLook states that the first look at a job that was submitted a moment
// ago waits until jobs like it have ended, for as long as lies between two looks
// at most, and that nobody else is kept waiting for it.
func TestFirstLook(t *testing.T) {
	now := time.Now().Truncate(time.Millisecond)
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		age, left time.Duration
		known     bool
		foreign   bool
		want      time.Duration
	}{
		{"about to end", 2 * time.Millisecond, 5 * time.Millisecond, true, false, 5 * time.Millisecond},
		{"not about to end", 2 * time.Millisecond, time.Minute, true, false, minInterval},
		{"should have ended", 9 * time.Millisecond, 0, true, false, 0},
		{"by a clock ahead of ours", -time.Minute, 5 * time.Millisecond, true, false, 5 * time.Millisecond},
		{"not known", 2 * time.Millisecond, 5 * time.Millisecond, false, false, 0},
		{"not young", minInterval, 5 * time.Millisecond, true, false, 0},
		{"not genuine", 2 * time.Millisecond, 5 * time.Millisecond, true, true, 0},
	} {
		s := &Service{now: func() time.Time { return now }, options: Options{
			Estimate: func(job.Record, time.Duration) (time.Duration, bool) { return c.left, c.known },
		}}
		id := job.NewIssuer(ring, func() time.Time { return now.Add(-c.age) }).Issue("")
		if got := s.untilLikelyDone(ticket{id: id, genuine: !c.foreign}); got != c.want {
			t.Errorf("%s: first look after %v, want %v", c.name, got, c.want)
		}
	}
}
