package status

import (
	"context"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// countingRecords is a store in memory that counts its reads.
type countingRecords struct {
	Records
	records map[job.ID]job.Record
	reads   int
}

func (c *countingRecords) Get(_ context.Context, id job.ID) (job.Record, error) {
	c.reads++
	if r, ok := c.records[id]; ok {
		return r, nil
	}
	return job.Record{}, job.ErrNotFound
}

func newTestCache(t *testing.T, size int) (*cache, *countingRecords, *time.Time) {
	t.Helper()
	store := &countingRecords{records: map[job.ID]job.Record{}}
	c, err := newCache(store, size)
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Now()
	c.now = func() time.Time { return clock }
	return c, store, &clock
}

// TestFreshness states for how long each kind of reading stands.
func TestFreshness(t *testing.T) {
	long := make([]byte, maxKeptDetail+1)
	for _, test := range []struct {
		name    string
		record  *job.Record
		genuine bool
		maxAge  time.Duration
		after   time.Duration
		again   bool
	}{
		{"pending, a moment ago", &job.Record{Status: job.StatusRunning}, true, pendingFor, pendingFor - 1, false},
		{"pending, a while ago", &job.Record{Status: job.StatusRunning}, true, pendingFor, pendingFor, true},
		{"pending, watched closely", &job.Record{Status: job.StatusRunning}, true, 10 * time.Millisecond, 10 * time.Millisecond, true},
		{"queued, a moment ago", nil, true, pendingFor, pendingFor - 1, false},
		{"queued, a while ago", nil, true, pendingFor, pendingFor, true},
		{"terminal, long ago", &job.Record{Status: job.StatusSucceeded}, true, 0, 24 * time.Hour, false},
		{"failed, a moment ago", &job.Record{Status: job.StatusFailed}, true, 0, failedFor - 1, false},
		{"failed, a while ago", &job.Record{Status: job.StatusFailed}, true, 0, failedFor, true},
		{"canceled, long ago", &job.Record{Status: job.StatusCanceled}, true, 0, 24 * time.Hour, false},
		{"terminal with a large detail", &job.Record{Status: job.StatusFailed, Failure: &job.Failure{Detail: long}}, true, pendingFor, 1, true},
		{"foreign, without a record", nil, false, 0, unknownFor - 1, false},
		{"foreign, without a record, a while ago", nil, false, pendingFor, unknownFor, true},
		{"foreign, pending", &job.Record{Status: job.StatusRunning}, false, pendingFor, pendingFor, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, store, clock := newTestCache(t, 8)
			id := job.ID{1}
			if test.record != nil {
				test.record.ID = id
				store.records[id] = *test.record
			}
			for range 2 {
				r, err := c.get(t.Context(), id, test.genuine, test.maxAge)
				if err != nil || r.found != (test.record != nil) {
					t.Fatalf("get = %+v, %v", r, err)
				}
				*clock = clock.Add(test.after)
			}
			if again := store.reads == 2; again != test.again {
				t.Errorf("%d reads", store.reads)
			}
		})
	}
}

// TestMadeUpIDsPushNothingOut states that the memory is bounded, and that ids
// that nobody issued take none of what is kept for jobs.
func TestMadeUpIDsPushNothingOut(t *testing.T) {
	const size = 8
	c, store, _ := newTestCache(t, size)
	ended, pending := job.ID{1}, job.ID{2}
	store.records[ended] = job.Record{ID: ended, Status: job.StatusCanceled}
	for _, id := range []job.ID{ended, pending} {
		if _, err := c.get(t.Context(), id, true, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if _, err := c.get(t.Context(), job.ID{3, byte(i)}, false, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	before := store.reads
	for _, id := range []job.ID{ended, pending} {
		if _, err := c.get(t.Context(), id, true, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if store.reads != before {
		t.Error("records were pushed out")
	}
	if n := c.unknown.Len(); n != size {
		t.Errorf("%d unknown ids are kept", n)
	}
}

// TestOthersDoNotKeepTheOwnerWaiting states that one to whom an id is foreign
// does not have its owner see older readings by asking for it.
func TestOthersDoNotKeepTheOwnerWaiting(t *testing.T) {
	c, store, _ := newTestCache(t, 8)
	id := job.ID{1}
	for _, genuine := range []bool{false, true} {
		if _, err := c.get(t.Context(), id, genuine, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if store.reads != 2 {
		t.Errorf("%d reads", store.reads)
	}
}

// TestRedrivenIsSeen states that a failed job that an operator put back is seen
// to be pending, and then how it ends.
func TestRedrivenIsSeen(t *testing.T) {
	c, store, clock := newTestCache(t, 8)
	id := job.ID{1}
	for _, status := range []job.Status{job.StatusFailed, job.StatusRunning, job.StatusFailed, job.StatusRunning, job.StatusSucceeded} {
		store.records[id] = job.Record{ID: id, Status: status}
		*clock = clock.Add(failedFor)
		if r, err := c.get(t.Context(), id, true, pendingFor); err != nil || r.record.Status != status {
			t.Errorf("get = %+v, %v, want %s", r, err, status)
		}
	}
}

// TestTerminalStays states that what this process wrote or read last of a job
// that has ended is not undone by an older reading that comes late.
func TestTerminalStays(t *testing.T) {
	c, _, clock := newTestCache(t, 8)
	id := job.ID{1}
	old := reading{record: job.Record{ID: id, Status: job.StatusRunning}, found: true, at: *clock}
	c.written(job.Record{ID: id, Status: job.StatusCanceled})
	c.put(id, true, old)
	if r, err := c.get(t.Context(), id, true, time.Second); err != nil || r.record.Status != job.StatusCanceled {
		t.Errorf("get = %+v, %v", r, err)
	}
}
