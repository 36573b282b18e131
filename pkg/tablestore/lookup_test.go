package tablestore_test

import (
	"context"
	"errors"
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

func isQuery(r *http.Request) bool { return r.URL.Query().Has("$filter") }

func isRead(r *http.Request) bool { return r.Method == http.MethodGet }

// reads gives how many reads went through a proxy.
func reads(proxy *azuretest.Proxy) (n int) {
	for _, request := range proxy.Requests() {
		if strings.HasPrefix(request, http.MethodGet) {
			n++
		}
	}
	return n
}

// lookingUp has lookups meet: the first is held back until the others have
// gathered behind it.
func lookingUp(t *testing.T, s *tablestore.Store, proxy *azuretest.Proxy, first job.ID, others ...func()) {
	t.Helper()
	var running sync.WaitGroup
	defer running.Wait()
	g := hold(proxy, isRead)
	defer close(g.open)
	running.Go(func() {
		if _, err := s.Lookup(t.Context(), []job.ID{first}); err != nil {
			t.Error("the lookup that went ahead:", err)
		}
	})
	<-g.reached
	for _, call := range others {
		running.Go(call)
	}
	for end := time.Now().Add(gathering); s.LookupsWaiting(first) < len(others); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d lookups gather", s.LookupsWaiting(first), len(others))
		}
	}
}

// TestLookupsMeet states that lookups of one partition that meet are one read,
// and that each gets its own records and no others.
func TestLookupsMeet(t *testing.T) {
	t.Parallel()
	s, healthy, proxy := faultyAfter(t, gathering)
	s.WaitFor(time.Hour)
	ids := tablestoretest.IDsOfOneShard(t, 31)
	for i, id := range ids {
		if i%2 == 1 {
			tablestoretest.MustInsert(t, healthy, tablestoretest.Running(id))
		}
	}
	var calls []func()
	for i := 1; i < len(ids)-1; i += 2 {
		calls = append(calls, func() {
			got, err := s.Lookup(t.Context(), ids[i:i+2]) // the second has no record
			if err != nil || len(got) != 1 || got[0].ID != ids[i] {
				t.Errorf("lookup of %v gave %+v, %v", ids[i:i+2], got, err)
			}
		})
	}
	lookingUp(t, s, proxy, ids[0], calls...)
	if n := reads(proxy); n != 3 { // the one that was held back is there twice
		t.Errorf("%d reads", n-1)
	}
}

// TestLookupsFarApart states that jobs that were issued far apart are not read
// as one range, whatever lies between.
func TestLookupsFarApart(t *testing.T) {
	t.Parallel()
	s, healthy, proxy := faultyAfter(t, gathering)
	early := tablestoretest.NewID(t, time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC))
	late := tablestoretest.NewID(t, time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC))
	late[6], late[7] = early[6], early[7] // one shard
	for _, id := range []job.ID{early, late} {
		tablestoretest.MustInsert(t, healthy, tablestoretest.Running(id))
	}
	got, err := s.Lookup(t.Context(), []job.ID{late, early})
	if err != nil || len(got) != 2 || got[0].ID != late || got[1].ID != early {
		t.Errorf("got %+v, %v", got, err)
	}
	if n := reads(proxy); n != 2 {
		t.Errorf("%d reads", n)
	}
}

// TestLookupsFailTogether states that an outage is told to every lookup, and
// that the end of one caller's context is nothing to the others.
func TestLookupsFailTogether(t *testing.T) {
	t.Parallel()
	s, healthy, proxy := faultyAfter(t, gathering)
	s.WaitFor(time.Hour)
	ids := tablestoretest.IDsOfOneShard(t, 6)
	tablestoretest.MustInsert(t, healthy, tablestoretest.Running(ids[1]))
	failing := func() {
		if _, err := s.Lookup(t.Context(), ids[1:3]); !errors.Is(err, job.ErrBusy) {
			t.Errorf("during the outage: %v", err)
		}
	}
	proxy.Inject(4, isQuery, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
	lookingUp(t, s, proxy, ids[0], failing, failing)

	query := hold(proxy, isQuery)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		<-query.reached
		leave()
		<-left
		close(query.open)
	}()
	lookingUp(t, s, proxy, ids[0], func() {
		defer close(left)
		if _, err := s.Lookup(ctx, ids[3:4]); !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
	}, func() {
		if got, err := s.Lookup(t.Context(), ids[1:3]); err != nil || len(got) != 1 {
			t.Errorf("who stayed got %+v, %v", got, err)
		}
	})
}
