package tablestore_test

import (
	"context"
	"net/http"
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
