package tablestore_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/tablestore/tablestoretest"
)

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
