package tablestore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/tablestore/tablestoretest"
)

// TestWritesMeet states that the writes of one partition that meet go as one
// transaction, inserts and updates alike, and that each gets its own version.
func TestWritesMeet(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 41)
	records := m.records(m.ids[1:])
	m.hold(m.inserts(records)...)
	m.expectSent(1, 1)
	m.expectCurrent(records)

	m = newMeeting(t, 41)
	records = m.records(m.ids[1:])
	var calls []func(*tablestore.Store)
	for i := range records {
		if i%2 == 0 {
			calls = append(calls, m.inserts(records[i:i+1])...)
			continue
		}
		r := tablestoretest.MustInsert(t, m.healthy, records[i])
		records[i] = progress(r, "further")
		calls = append(calls, func(s *tablestore.Store) {
			if err := s.Update(t.Context(), &records[i]); err != nil {
				t.Error(err)
			}
		})
	}
	m.hold(calls...)
	m.expectSent(1, 1)
	m.expectCurrent(records)
}

// TestAloneAtRest states that writes which do not meet, because they follow
// one another or lie in different partitions, go by themselves and at once.
func TestAloneAtRest(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 2)
	other := m.ids[1]
	other[6] ^= 0x0f // another shard
	g := hold(m.proxy, isInsert)
	first := tablestoretest.Running(m.ids[0])
	ahead := make(chan error, 1)
	go func() { ahead <- m.store.Insert(context.Background(), &first) }()
	<-g.reached
	tablestoretest.MustInsert(t, m.store, tablestoretest.Running(other))
	close(g.open)
	if err := <-ahead; err != nil {
		t.Fatal(err)
	}
	r := tablestoretest.MustInsert(t, m.store, tablestoretest.Running(m.ids[1]))
	next := progress(r, "next")
	if err := m.store.Update(t.Context(), &next); err != nil {
		t.Error(err)
	}
	m.expectSent(0, 4)
}

// TestTransactionsTakeAHundred states that more writes than a transaction
// takes, in number or in size, go in several, and that a row is in none twice.
func TestTransactionsTakeAHundred(t *testing.T) {
	t.Parallel()
	t.Run("number", func(t *testing.T) {
		t.Parallel()
		m := newMeeting(t, 100)
		records := m.records(append(m.ids[1:], foreignShard(m.ids[0], 20)...))
		m.hold(m.inserts(records)...)
		m.expectSent(2, 1)
		m.expectCurrent(records)
	})
	t.Run("size", func(t *testing.T) {
		t.Parallel()
		m := newMeeting(t, 61)
		records := m.records(m.ids[1:])
		for i := range records {
			records[i].LastError = &job.Failure{Code: job.CodeHandlerFailed, Detail: []byte(`"` + strings.Repeat("x", 28_000) + `"`)}
			records[i].Failure = records[i].LastError
			records[i].Owner = strings.Repeat("o", 30_000)
		}
		m.hold(m.inserts(records)...)
		m.expectSent(2, 1)
		m.expectCurrent(records)
	})
	t.Run("the same row", func(t *testing.T) {
		t.Parallel()
		m := newMeeting(t, 2)
		outcomes := make(chan error, 2)
		insert := func(attempt int) func(*tablestore.Store) {
			r := tablestoretest.Running(m.ids[1])
			r.Attempt = attempt
			return func(s *tablestore.Store) { outcomes <- s.Insert(t.Context(), &r) }
		}
		m.hold(insert(1), insert(2))
		errs := []error{<-outcomes, <-outcomes}
		if !slices.Contains(errs, nil) || !errors.Is(errors.Join(errs...), job.ErrExists) {
			t.Errorf("the inserts gave %v", errs)
		}
	})
}

// foreignShard gives n more ids of the partition of id.
func foreignShard(id job.ID, n int) []job.ID {
	ids := make([]job.ID, n)
	for i := range ids {
		ids[i] = id
		ids[i][9], ids[i][10], ids[i][11] = 0xff, 0xff, byte(i)
	}
	return ids
}

// TestPoison states that a write which cannot be done hurts only itself: its
// companions are stored, and each gets the answer that is its own.
func TestPoison(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 12)
	records := m.records(m.ids[1:9])
	exists := tablestoretest.MustInsert(t, m.healthy, tablestoretest.Running(m.ids[9]))
	stale := tablestoretest.MustInsert(t, m.healthy, tablestoretest.Running(m.ids[10]))
	winner := progress(stale, "winner")
	if err := m.healthy.Update(t.Context(), &winner); err != nil {
		t.Fatal(err)
	}
	expect := func(want error, call func(s *tablestore.Store) error) func(*tablestore.Store) {
		return func(s *tablestore.Store) {
			if err := call(s); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
	}
	m.hold(append(m.inserts(records),
		expect(job.ErrExists, func(s *tablestore.Store) error {
			again := tablestoretest.Full(exists.ID)
			return s.Insert(t.Context(), &again)
		}),
		expect(job.ErrConflict, func(s *tablestore.Store) error {
			loser := progress(stale, "loser")
			return s.Update(t.Context(), &loser)
		}),
		expect(job.ErrNotFound, func(s *tablestore.Store) error {
			none := progress(stale, "none")
			none.ID = m.ids[11]
			return s.Update(t.Context(), &none)
		}),
	)...)
	m.expectCurrent(append(records, exists, winner))
	if _, err := m.healthy.Get(t.Context(), m.ids[11]); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("what was never inserted: %v", err)
	}
}
