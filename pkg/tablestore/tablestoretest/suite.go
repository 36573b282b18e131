// Package tablestoretest holds the promises that every store of job records
// keeps, as tests: package tablestore runs them against Table storage, and who
// writes a stand-in for it runs them against that.
package tablestoretest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Store is what the suite tests.
type Store interface {
	Get(ctx context.Context, id job.ID) (job.Record, error)
	Insert(ctx context.Context, r *job.Record) error
	Update(ctx context.Context, r *job.Record) error
	Lookup(ctx context.Context, ids []job.ID) ([]job.Record, error)
}

// Run runs the suite. Each test gets a store without records from open.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, Store){
		"an unknown job is not found":               unknown,
		"what was inserted is read":                 inserted,
		"a second insert changes nothing":           insertedTwice,
		"of concurrent inserts one wins":            insertRace,
		"an update replaces the whole record":       updated,
		"an update over a stale version is refused": stale,
		"concurrent updates are not lost":           updateRace,
		"several records are read at once":          lookedUp,
		"a lookup lies within one partition":        lookupAcross,
		"jobs of other programs are kept too":       foreign,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func unknown(t *testing.T, s Store) {
	id := NewID(t, time.Now())
	if r, err := s.Get(t.Context(), id); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("Get before the first insert = %+v, %v", r, err)
	}
	if rs, err := s.Lookup(t.Context(), []job.ID{id}); len(rs) > 0 || err != nil {
		t.Errorf("Lookup before the first insert = %+v, %v", rs, err)
	}
	if err := s.Update(t.Context(), &job.Record{ID: id, Version: "W/\"1\""}); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("Update before the first insert: %v", err)
	}
	MustInsert(t, s, Running(NewID(t, time.Now())))
	if r, err := s.Get(t.Context(), id); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("Get among others = %+v, %v", r, err)
	}
	if err := s.Update(t.Context(), &job.Record{ID: id, Version: "W/\"1\""}); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("Update among others: %v", err)
	}
}

func inserted(t *testing.T, s Store) {
	for name, r := range map[string]job.Record{
		"running":   Running(NewID(t, time.Now())),
		"full":      Full(NewID(t, time.Now())),
		"bare":      {ID: NewID(t, time.Now()), Status: job.StatusCanceled},
		"yesterday": Running(NewID(t, time.Now().Add(-24*time.Hour))),
	} {
		MustInsert(t, s, r)
		ExpectStored(t, s, name, r)
	}
}

func insertedTwice(t *testing.T, s Store) {
	first := Running(NewID(t, time.Now()))
	stored := MustInsert(t, s, first)
	second := first
	second.Operation, second.UpdatedAt = "other", second.UpdatedAt.Add(time.Second)
	if err := s.Insert(t.Context(), &second); !errors.Is(err, job.ErrExists) {
		t.Errorf("the second insert: %v", err)
	}
	ExpectStored(t, s, "after the second insert", first)
	if got, _ := s.Get(t.Context(), first.ID); got.Version != stored.Version {
		t.Errorf("version %q became %q", stored.Version, got.Version)
	}
}

func insertRace(t *testing.T, s Store) {
	const writers = 8
	r := Running(NewID(t, time.Now()))
	var won atomic.Int32
	each(writers, func(i int) {
		mine := r
		mine.Attempt = 1 + i
		switch err := s.Insert(t.Context(), &mine); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, job.ErrExists):
			t.Errorf("insert: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d of %d inserts won", won.Load(), writers)
	}
}

func updated(t *testing.T, s Store) {
	r := MustInsert(t, s, Full(NewID(t, time.Now())))
	next := Running(r.ID)
	next.Version = r.Version
	if err := s.Update(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	if next.Version == "" || next.Version == r.Version {
		t.Errorf("version %q became %q", r.Version, next.Version)
	}
	ExpectStored(t, s, "after the update", next)
	again := next
	again.Progress = "further"
	if err := s.Update(t.Context(), &again); err != nil {
		t.Errorf("an update over the version that an update gave: %v", err)
	}
}

func stale(t *testing.T, s Store) {
	first := MustInsert(t, s, Running(NewID(t, time.Now())))
	winner, loser := first, first
	winner.Progress, loser.Progress = "winner", "loser"
	if err := s.Update(t.Context(), &winner); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), &loser); !errors.Is(err, job.ErrConflict) {
		t.Errorf("an update over a stale version: %v", err)
	}
	unread := Running(first.ID)
	if err := s.Update(t.Context(), &unread); err == nil {
		t.Error("an update without a version was done")
	}
	ExpectStored(t, s, "after the stale update", winner)
}

func updateRace(t *testing.T, s Store) {
	const writers, writes = 8, 5
	r := Running(NewID(t, time.Now()))
	r.Attempt = 0
	MustInsert(t, s, r)
	each(writers, func(i int) {
		for range writes {
			increment(t, s, r.ID, "writer "+strconv.Itoa(i))
		}
	})
	if got, err := s.Get(t.Context(), r.ID); err != nil || got.Attempt != writers*writes {
		t.Errorf("%d increments counted %d, %v", writers*writes, got.Attempt, err)
	}
}

// increment raises a record's Attempt by one, however many others do so too.
// Like those of a state machine, no two of its writes are the same.
func increment(t *testing.T, s Store, id job.ID, writer string) {
	for {
		r, err := s.Get(t.Context(), id)
		if err != nil {
			t.Error(err)
			return
		}
		r.Attempt++
		r.Progress, r.UpdatedAt = writer, time.Now()
		if err = s.Update(t.Context(), &r); err == nil {
			return
		}
		if !errors.Is(err, job.ErrConflict) {
			t.Error(err)
			return
		}
	}
}

func lookedUp(t *testing.T, s Store) {
	ids := IDsOfOneShard(t, 40)
	without := map[int]bool{2: true, 30: true} // jobs without a record
	for i, id := range ids {
		if !without[i] {
			MustInsert(t, s, Running(id))
		}
	}
	for _, test := range []struct {
		name string
		ids  []job.ID
		want []int
	}{
		{"none", nil, nil},
		{"one", ids[3:4], []int{3}},
		{"one without a record", ids[2:3], nil},
		{"some", []job.ID{ids[4], ids[2], ids[0]}, []int{4, 0}},
		{"neighbours", ids[28:32], []int{28, 29, 31}},
		{"many", ids[10:31], []int{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}},
		{"many but not all between", append(slices.Clone(ids[:12]), ids[20:23]...), []int{0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20, 21, 22}},
	} {
		got, err := s.Lookup(t.Context(), test.ids)
		if err != nil || len(got) != len(test.want) {
			t.Fatalf("%s: %d records, %v, want %v", test.name, len(got), err, test.want)
		}
		for i, r := range got {
			if want := Running(ids[test.want[i]]); r.ID != want.ID || r.Status != want.Status {
				t.Errorf("%s: record %d is %+v, want %+v", test.name, i, r, want)
			}
			r.UpdatedAt = r.UpdatedAt.Add(time.Second)
			if err := s.Update(t.Context(), &r); err != nil {
				t.Errorf("%s: an update over the version that was looked up: %v", test.name, err)
			}
		}
	}
}

func lookupAcross(t *testing.T, s Store) {
	ids := IDsOfOneShard(t, 2)
	ids[1][6] ^= 0x0f // another shard
	if _, err := s.Lookup(t.Context(), ids); err == nil {
		t.Error("a lookup in two shards was done")
	}
}

func foreign(t *testing.T, s Store) {
	for _, text := range []string{"9d3cbeb1-9f2f-4c9c-8c43-5d1dbb9a0b1e", "ffffffff-ffff-8fff-bfff-fffffffffffe"} {
		id, err := job.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		r := Running(id)
		MustInsert(t, s, r)
		ExpectStored(t, s, text, r)
		if got, err := s.Lookup(t.Context(), []job.ID{id}); err != nil || len(got) != 1 {
			t.Errorf("Lookup of %s = %d records, %v", text, len(got), err)
		}
	}
}

// each runs f(0) to f(n-1) at the same time.
func each(n int, f func(i int)) {
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { f(i) })
	}
	running.Wait()
}
