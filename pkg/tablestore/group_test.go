package tablestore_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/tablestore/tablestoretest"
)

func isTransaction(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/$batch") }

// gate holds the requests back that come to it.
type gate struct {
	reached chan struct{} // gets a token for each
	open    chan struct{} // closed to let all go on
}

// hold has the next request for which matches is true wait at a gate.
func hold(proxy *azuretest.Proxy, matches func(*http.Request) bool) *gate {
	g := &gate{reached: make(chan struct{}, 1), open: make(chan struct{})}
	proxy.Inject(1, matches, func(p *azuretest.Proxy, w http.ResponseWriter, r *http.Request) {
		g.reached <- struct{}{}
		<-g.open
		p.ServeHTTP(w, r)
	})
	return g
}

// meeting has writes of one partition meet: one insert is held back until the
// writes of the given calls have gathered behind it.
type meeting struct {
	t       *testing.T
	store   *tablestore.Store
	healthy *tablestore.Store
	proxy   *azuretest.Proxy
	ids     []job.ID
}

// gathering is longer than requests take to gather.
const gathering = 20 * time.Second

// newMeeting makes the day's table. ids[0] is for the insert that goes ahead.
func newMeeting(t *testing.T, ids int) *meeting { return newMeetingAfter(t, ids, gathering) }

// newMeetingAfter is newMeeting with a client that gives silence up after stall.
func newMeetingAfter(t *testing.T, ids int, stall time.Duration) *meeting {
	s, healthy, proxy := faultyAfter(t, stall)
	s.WaitFor(time.Hour)
	tablestoretest.MustInsert(t, healthy, newRecord(t))
	return &meeting{t: t, store: s, healthy: healthy, proxy: proxy, ids: tablestoretest.IDsOfOneShard(t, ids)}
}

func (m *meeting) hold(calls ...func(s *tablestore.Store)) {
	m.t.Helper()
	var running sync.WaitGroup
	defer running.Wait()
	g := hold(m.proxy, isInsert)
	defer close(g.open)
	running.Go(func() {
		first := tablestoretest.Running(m.ids[0])
		if err := m.store.Insert(context.Background(), &first); err != nil {
			m.t.Error("the write that went ahead:", err)
		}
	})
	<-g.reached
	for _, call := range calls {
		running.Go(func() { call(m.store) })
	}
	for end := time.Now().Add(gathering); m.store.Waiting(m.ids[0]) < len(calls); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("%d of %d writes gather", m.store.Waiting(m.ids[0]), len(calls))
		}
	}
}

// inserts gives calls that insert records and expect no error.
func (m *meeting) inserts(records []job.Record) []func(*tablestore.Store) {
	calls := make([]func(*tablestore.Store), len(records))
	for i := range records {
		calls[i] = func(s *tablestore.Store) {
			if err := s.Insert(m.t.Context(), &records[i]); err != nil {
				m.t.Error(err)
			}
		}
	}
	return calls
}

func (m *meeting) records(ids []job.ID) []job.Record {
	records := make([]job.Record, len(ids))
	for i, id := range ids {
		records[i] = tablestoretest.Full(id)
	}
	return records
}

// sent gives how many transactions and other writes went through the proxy. The
// one that was held back is there twice.
func (m *meeting) sent() (transactions, others int) {
	others = -1
	for _, request := range m.proxy.Requests() {
		switch method, path, _ := strings.Cut(request, " "); {
		case strings.HasSuffix(path, "/$batch"):
			transactions++
		case method != http.MethodGet:
			others++
		}
	}
	return transactions, others
}

func (m *meeting) expectSent(transactions, others int) {
	m.t.Helper()
	if gotTransactions, gotOthers := m.sent(); gotTransactions != transactions || gotOthers != others {
		m.t.Errorf("%d transactions and %d other writes, want %d and %d", gotTransactions, gotOthers, transactions, others)
	}
}

// expectCurrent states that the records are stored and that their versions are
// the stored ones.
func (m *meeting) expectCurrent(records []job.Record) {
	m.t.Helper()
	for _, r := range records {
		got, err := m.healthy.Get(m.t.Context(), r.ID)
		if err != nil || !tablestoretest.Same(got, r) || got.Version != r.Version {
			m.t.Errorf("stored is %+v, %v, want %+v", got, err, r)
		}
	}
}

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

// TestTransactionsMakeTheTable states that writes which meet before the day
// has a table are stored all the same.
func TestTransactionsMakeTheTable(t *testing.T) {
	t.Parallel()
	s, healthy, proxy := faultyAfter(t, gathering)
	s.WaitFor(time.Hour)
	m := &meeting{t: t, store: s, healthy: healthy, proxy: proxy, ids: tablestoretest.IDsOfOneShard(t, 21)}
	records := m.records(m.ids[1:])
	m.hold(m.inserts(records)...)
	m.expectCurrent(records)
}

// TestTransactionFaults states that writes that go together get over a fault
// that passes, whatever it is, that each is done once, and that an answer that
// cannot be understood leaves no doubt behind.
func TestTransactionFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]azuretest.Fault{
		"reply lost": azuretest.LoseReply, "reset": azuretest.Reset, "hang": azuretest.Hang,
		"reply cut": azuretest.Cut(300), "503": azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"),
		"too large": azuretest.Answer(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge"),
		"nonsense": func(p *azuretest.Proxy, w http.ResponseWriter, r *http.Request) {
			p.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte("--x\r\nnonsense"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMeetingAfter(t, 11, 3*time.Second)
			inserted, updated := m.records(m.ids[1:6]), m.records(m.ids[6:])
			calls := m.inserts(inserted)
			for i := range updated {
				updated[i] = progress(tablestoretest.MustInsert(t, m.healthy, updated[i]), "further")
				calls = append(calls, func(s *tablestore.Store) {
					if err := s.Update(t.Context(), &updated[i]); err != nil {
						t.Error(err)
					}
				})
			}
			m.proxy.Inject(1, isTransaction, fault)
			m.hold(calls...)
			m.expectCurrent(append(inserted, updated...))
			if left := m.proxy.Pending(); left != 0 {
				t.Errorf("%d faults did not happen", left)
			}
		})
	}
}

// TestTransactionOutage states that an outage ends in ErrBusy for each write of
// a transaction, and that the same write tried again settles what became of it.
func TestTransactionOutage(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]azuretest.Fault{"done": azuretest.LoseReply, "not done": azuretest.Reset} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMeeting(t, 9)
			records := m.records(m.ids[1:])
			var calls []func(*tablestore.Store)
			for i := range records {
				calls = append(calls, func(s *tablestore.Store) {
					if err := s.Insert(t.Context(), &records[i]); !errors.Is(err, job.ErrBusy) || records[i].Version != "" {
						t.Errorf("during the outage: version %q, %v", records[i].Version, err)
					}
				})
			}
			m.proxy.Inject(1, isTransaction, first)
			m.proxy.Inject(3, isTransaction, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
			m.hold(calls...)
			m.proxy.Clear()
			m.ids = foreignShard(m.ids[0], 1)
			m.hold(m.inserts(records)...)
			m.expectCurrent(records)
		})
	}
}

// TestOneCallerLeaves states that the end of one caller's context ends its call
// at once and does nothing to those it went with.
func TestOneCallerLeaves(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 10)
	records := m.records(m.ids[1:9])
	g := hold(m.proxy, isTransaction)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		<-g.reached
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		close(g.open)
	}()
	m.hold(append(m.inserts(records), func(s *tablestore.Store) {
		r := tablestoretest.Running(m.ids[9])
		left <- s.Insert(ctx, &r)
	})...)
	m.expectCurrent(records)
}

// TestAllCallersLeave states that a transaction nobody waits for any more ends.
func TestAllCallersLeave(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 6)
	ended := make(chan struct{})
	reached := make(chan struct{})
	m.proxy.Inject(1, isTransaction, func(p *azuretest.Proxy, w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		close(reached)
		azuretest.Hang(p, w, r)
	})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-reached
		leave()
	}()
	var calls []func(*tablestore.Store)
	for _, id := range m.ids[1:] {
		calls = append(calls, func(s *tablestore.Store) {
			r := tablestoretest.Running(id)
			if err := s.Insert(ctx, &r); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	m.hold(calls...)
	<-ended
}

// TestAHangingWriteHoldsNobodyUp states that writes do not wait for one that
// gets no answer.
func TestAHangingWriteHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 6)
	m.store.WaitFor(50 * time.Millisecond)
	g := hold(m.proxy, isInsert)
	var ahead sync.WaitGroup
	defer ahead.Wait()
	defer close(g.open)
	first := tablestoretest.Running(m.ids[0])
	ahead.Go(func() { _ = m.store.Insert(context.Background(), &first) })
	<-g.reached
	records := m.records(m.ids[1:])
	var running sync.WaitGroup
	for _, call := range m.inserts(records) {
		running.Go(func() { call(m.store) })
	}
	running.Wait()
	m.expectCurrent(records)
}
