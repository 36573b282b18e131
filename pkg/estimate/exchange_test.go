package estimate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/estimate"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// memStore is a store in memory that counts its calls and fails when told to.
type memStore struct {
	mu                 sync.Mutex
	rows               map[string]row
	puts, looks, drops int
	err                error
}

type row struct {
	text []byte
	at   time.Time
}

func newMemStore() *memStore { return &memStore{rows: map[string]row{}} }

func (s *memStore) Put(_ context.Context, name string, text []byte, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.err == nil {
		s.rows[name] = row{text, at}
	}
	return s.err
}

func (s *memStore) Since(_ context.Context, at time.Time) (texts [][]byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	for _, r := range s.rows {
		if !r.at.Before(at) {
			texts = append(texts, r.text)
		}
	}
	return texts, s.err
}

func (s *memStore) DropBefore(_ context.Context, at time.Time) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops++
	for name, r := range s.rows {
		if r.at.Before(at) {
			delete(s.rows, name)
			n++
		}
	}
	return n, s.err
}

func (s *memStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// calls gives what was called so far.
func (s *memStore) calls() (puts, looks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts, s.looks
}

// observe runs an observer until stop is called.
func observe(t *testing.T, options *estimate.Options) (o *estimate.Observer, stop func()) {
	t.Helper()
	o, err := estimate.NewObserver(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Run(ctx)
	}()
	return o, func() {
		cancel()
		<-done
	}
}

func newEstimator(t *testing.T, options *estimate.Options) *estimate.Estimator {
	t.Helper()
	e, err := estimate.NewEstimator(options)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// about reports whether got is want up to a twentieth.
func about(got, want time.Duration) bool { return (got - want).Abs() <= want/20 }

// TestFromWorkersToEstimates states that what two workers saw is known to an
// estimator some seconds later, for new jobs and for pending ones.
func TestFromWorkersToEstimates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		e := newEstimator(t, &estimate.Options{Store: store})
		defer e.Close()
		if d := e.Submitted("nap"); d != 0 {
			t.Errorf("before anything was seen: %v", d)
		}
		for _, operation := range []string{"nap", "sleep"} {
			o, stop := observe(t, &estimate.Options{Store: store})
			defer stop()
			for range 20 {
				o.Received(operation, 2*time.Second)
				o.Ended(operation, map[string]time.Duration{"nap": 3 * time.Second, "sleep": 30 * time.Second}[operation])
			}
		}
		time.Sleep(10 * time.Second)
		e.Submitted("nap")
		synctest.Wait()
		for operation, want := range map[string]time.Duration{"nap": 5 * time.Second, "sleep": 32 * time.Second, "unseen": 2 * time.Second} {
			if d := e.Submitted(operation); !about(d, want) {
				t.Errorf("a new job of %s: %v, want %v", operation, d, want)
			}
		}
		now := time.Now()
		running := func(operation string, age, waited time.Duration) job.Record {
			return job.Record{Status: job.StatusRunning, Operation: operation, SubmittedAt: now.Add(-age), StartedAt: now.Add(waited - age)}
		}
		waiting := running("nap", 10*time.Second, 0)
		waiting.NextAttemptAt = now.Add(20 * time.Second)
		for _, c := range []struct {
			name   string
			record job.Record
			age    time.Duration
			want   time.Duration
		}{
			{"queued", job.Record{}, time.Second, 4 * time.Second},
			{"queued for as long as others", job.Record{}, 2 * time.Second, 3 * time.Second},
			{"queued for longer", job.Record{}, 7 * time.Second, 25 * time.Second},
			{"running", running("nap", 5*time.Second, 4*time.Second), 5 * time.Second, 2 * time.Second},
			{"running for long", running("sleep", 21*time.Second, time.Second), 21 * time.Second, 10 * time.Second},
			{"waiting for its next attempt", waiting, 10 * time.Second, 23 * time.Second},
		} {
			if d, ok := e.Pending(c.record, c.age); !ok || !about(d, c.want) {
				t.Errorf("%s: %v, %v, want %v", c.name, d, ok, c.want)
			}
		}
		for name, r := range map[string]job.Record{
			"longer than any": running("nap", time.Minute, 0), "of an unseen operation": running("unseen", time.Second, 0),
		} {
			if d, ok := e.Pending(r, now.Sub(r.SubmittedAt)); ok {
				t.Errorf("%s: %v", name, d)
			}
		}
	})
}

// TestQueuesAreForgottenSoon states that what requests waited counts for as long
// as it can be true, and what jobs took for an hour.
func TestQueuesAreForgottenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		e := newEstimator(t, &estimate.Options{Store: store})
		defer e.Close()
		o, stop := observe(t, &estimate.Options{Store: store})
		defer stop()
		o.Ended("nap", 3*time.Second)
		o.Received("nap", time.Minute)
		began := time.Now()
		for _, c := range []struct{ after, want time.Duration }{
			{10 * time.Second, 63 * time.Second}, {30 * time.Second, 3 * time.Second},
			{50 * time.Minute, 3 * time.Second}, {70 * time.Minute, 0},
		} {
			time.Sleep(time.Until(began.Add(c.after)))
			e.Submitted("nap")
			synctest.Wait()
			if d := e.Submitted("nap"); !about(d, c.want) {
				t.Errorf("after %v: %v, want %v", c.after, d, c.want)
			}
		}
	})
}

// TestChangesAreLearned states that an operation that takes longer from now on
// is soon expected to.
func TestChangesAreLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		e := newEstimator(t, &estimate.Options{Store: store})
		defer e.Close()
		o, stop := observe(t, &estimate.Options{Store: store})
		defer stop()
		for i := range 2 * 24 * 60 { // two days, a job a minute, and half an hour of another kind
			took := 3 * time.Second
			if i >= 2*24*60-30 {
				took = 9 * time.Second
			}
			o.Ended("nap", took)
			time.Sleep(time.Minute)
		}
		e.Submitted("nap")
		synctest.Wait()
		if d := e.Submitted("nap"); !about(d, 9*time.Second) {
			t.Errorf("estimate %v", d)
		}
	})
}

// TestCost states that reports and looks cost the same whatever the load, and
// nothing where there is none.
func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		e := newEstimator(t, &estimate.Options{Store: store})
		defer e.Close()
		o, stop := observe(t, &estimate.Options{Store: store})
		defer stop()
		time.Sleep(time.Hour)
		if puts, looks := store.calls(); puts+looks != 0 {
			t.Errorf("idle: %d puts, %d looks", puts, looks)
		}
		for range 60_000 { // a minute
			o.Received("nap", time.Second)
			o.Ended("nap", time.Second)
			e.Submitted("nap")
			time.Sleep(time.Millisecond)
		}
		puts, looks := store.calls()
		if puts < 8 || puts > 17 || looks < 8 || looks > 25 {
			t.Errorf("in a busy minute: %d puts, %d looks", puts, looks)
		}
		time.Sleep(10 * time.Minute)
		puts, looks = store.calls()
		time.Sleep(time.Hour)
		if p, l := store.calls(); p != puts || l != looks {
			t.Errorf("idle again: %d puts, %d looks", p-puts, l-looks)
		}
	})
}

// TestLastReport states that a worker that stops leaves what it saw, and that
// reports which nobody heeds any more are deleted by the next worker.
func TestLastReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		first, stop := observe(t, &estimate.Options{Store: store})
		first.Ended("nap", time.Second)
		stop()
		if puts, _ := store.calls(); puts != 1 {
			t.Fatalf("%d reports by a worker that stopped", puts)
		}
		time.Sleep(2 * time.Hour)
		second, stop := observe(t, &estimate.Options{Store: store})
		second.Ended("nap", time.Second)
		stop()
		if len(store.rows) != 1 {
			t.Errorf("%d reports are left", len(store.rows))
		}
	})
}

// TestOutage states that while the store is away what was known stands, that
// this is logged once, and that what was seen meanwhile is not lost.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store := newMemStore()
		options := &estimate.Options{Store: store, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		e := newEstimator(t, options)
		defer e.Close()
		o, stop := observe(t, options)
		ask := func() time.Duration {
			time.Sleep(10 * time.Second)
			e.Submitted("nap")
			synctest.Wait()
			return e.Submitted("nap")
		}
		o.Ended("nap", 3*time.Second)
		if d := ask(); d != 3*time.Second {
			t.Errorf("before: %v", d)
		}
		store.fail(job.ErrBusy)
		for range 6 {
			o.Ended("rest", 5*time.Second)
			if d := ask(); d != 3*time.Second {
				t.Errorf("during the outage: %v", d)
			}
		}
		store.fail(nil)
		ask()
		ask()
		if d := e.Submitted("rest"); d != 5*time.Second {
			t.Errorf("what was seen during the outage: %v", d)
		}
		stop()
		if fails := strings.Count(log.String(), "fails"); fails != 2 || strings.Count(log.String(), "works again") != 2 {
			t.Errorf("logged:\n%s", &log)
		}
	})
}

// TestManyOperations states that a report always fits its row: of very many
// operations the ones seen most are told.
func TestManyOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		o, stop := observe(t, &estimate.Options{Store: store})
		for i := range 200 {
			for j := range 100 {
				o.Ended(fmt.Sprintf("operation-%03d", i), time.Duration(j*j*(1+i))*time.Millisecond)
			}
		}
		for range 1000 {
			o.Ended("often", 7*time.Second)
		}
		stop()
		for _, r := range store.rows {
			if len(r.text) > 30_000 {
				t.Errorf("%d bytes", len(r.text))
			}
		}
		e := newEstimator(t, &estimate.Options{Store: store})
		defer e.Close()
		e.Submitted("often")
		synctest.Wait()
		if d := e.Submitted("often"); !about(d, 7*time.Second) {
			t.Errorf("estimate %v", d)
		}
	})
}

// TestSpoiledReports states that a report that makes no sense does no harm.
func TestSpoiledReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		now := time.Now()
		for i, text := range []string{
			"", "null", "{", `{"operations":{"nap":[[1e308,1e308,1e308]]}}`, `{"at":"2000-01-01T00:00:00Z","operations":{"nap":[[-1,-1,-1],[0,0,0]]}}`,
			fmt.Sprintf(`{"at":%q,"waited":-5,"waitedAt":%[1]q,"operations":{"nap":[[2000,1,2000],[2000]]}}`, now.Format(time.RFC3339)),
		} {
			store.rows[fmt.Sprint(i)] = row{[]byte(text), now}
		}
		e := newEstimator(t, &estimate.Options{Store: store})
		defer e.Close()
		e.Submitted("nap")
		synctest.Wait()
		if d := e.Submitted("nap"); d != 2*time.Second {
			t.Errorf("estimate %v", d)
		}
	})
}

// TestMissingStore states that a store is needed.
func TestMissingStore(t *testing.T) {
	for _, options := range []*estimate.Options{nil, {}} {
		_, observer := estimate.NewObserver(options)
		_, estimator := estimate.NewEstimator(options)
		if err := errors.Join(observer, estimator); err == nil || strings.Count(err.Error(), "Store") != 2 {
			t.Errorf("%v", err)
		}
	}
}
