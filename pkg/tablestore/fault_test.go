package tablestore_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/tablestore/tablestoretest"
)

// stall is the patience of the clients in these tests.
const stall = 300 * time.Millisecond

// faulty gives a store behind a proxy, and one beside it that nothing happens
// to.
func faulty(t *testing.T) (s, healthy *tablestore.Store, proxy *azuretest.Proxy) {
	t.Helper()
	return faultyAfter(t, stall)
}

// faultyAfter is faulty with a patience of the test's own.
func faultyAfter(t *testing.T, stall time.Duration) (s, healthy *tablestore.Store, proxy *azuretest.Proxy) {
	t.Helper()
	account, prefix := localazuretest.Storage(t), localazuretest.Name(t)
	healthy = open(t, account.ConnectionString(), prefix, nil)
	proxy = azuretest.NewProxy(t, account.TableEndpoint)
	account.TableEndpoint = proxy.URL()
	return open(t, account.ConnectionString(), prefix, &azure.Options{StallTimeout: stall}), healthy, proxy
}

func newRecord(t *testing.T) job.Record {
	return tablestoretest.Running(tablestoretest.NewID(t, time.Now()))
}

// progress gives the record that follows r.
func progress(r job.Record, message string) job.Record {
	r.Progress, r.UpdatedAt = message, r.UpdatedAt.Add(time.Second)
	return r
}

func isInsert(r *http.Request) bool {
	return r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/Tables")
}

func isUpdate(r *http.Request) bool { return r.Method == http.MethodPut }

// TestTransientFaults states that a fault that passes is got over within the
// call, whatever it is, and that each write is done once.
func TestTransientFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]azuretest.Fault{
		"reply lost": azuretest.LoseReply, "reset": azuretest.Reset, "hang": azuretest.Hang,
		"429": azuretest.Answer(http.StatusTooManyRequests, "TooManyRequests"),
		"500": azuretest.Answer(http.StatusInternalServerError, "InternalError"),
		"503": azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"),
		"504": azuretest.Answer(http.StatusGatewayTimeout, "OperationTimedOut"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, healthy, proxy := faulty(t)
			tablestoretest.MustInsert(t, healthy, newRecord(t)) // makes the table

			proxy.Inject(2, isInsert, fault)
			r := tablestoretest.MustInsert(t, s, newRecord(t))
			for _, message := range []string{"one", "two"} {
				r = progress(r, message)
				proxy.Inject(2, isUpdate, fault)
				if err := s.Update(t.Context(), &r); err != nil {
					t.Fatalf("update %s: %v", message, err)
				}
			}
			proxy.Inject(2, nil, fault)
			tablestoretest.ExpectStored(t, s, "after the updates", r)
			if left := proxy.Pending(); left != 0 {
				t.Errorf("%d faults did not happen", left)
			}
		})
	}
}

// TestOutage states that an outage ends in ErrBusy, soon, and that the same
// write can be tried again after it, whether the first one was done or not.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]azuretest.Fault{"done": azuretest.LoseReply, "not done": azuretest.Reset} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, proxy := faulty(t)
			r := tablestoretest.MustInsert(t, s, newRecord(t))
			next := progress(r, "next")
			proxy.Inject(1, isUpdate, first)
			proxy.Inject(100, nil, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
			start := time.Now()
			if err := s.Update(t.Context(), &next); !errors.Is(err, job.ErrBusy) {
				t.Errorf("during the outage: %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v to give up", took)
			}
			if _, err := s.Get(t.Context(), r.ID); !errors.Is(err, job.ErrBusy) {
				t.Errorf("reading during the outage: %v", err)
			}
			proxy.Clear()
			if err := s.Update(t.Context(), &next); err != nil {
				t.Errorf("after the outage: %v", err)
			}
			after := progress(next, "after")
			if err := s.Update(t.Context(), &after); err != nil {
				t.Errorf("the version is not the stored one: %v", err)
			}
			tablestoretest.ExpectStored(t, s, "in the end", after)
		})
	}
}

// TestOvertakenWhileReplyWasLost states that a write that was done and then
// written over by another is a conflict when it is tried again.
func TestOvertakenWhileReplyWasLost(t *testing.T) {
	t.Parallel()
	s, healthy, proxy := faulty(t)
	r := tablestoretest.MustInsert(t, s, newRecord(t))
	var other job.Record
	proxy.Inject(1, isUpdate, func(p *azuretest.Proxy, w http.ResponseWriter, q *http.Request) {
		defer func() {
			stored, err := healthy.Get(context.WithoutCancel(q.Context()), r.ID)
			if err != nil || stored.Progress != "mine" {
				t.Errorf("the first try was not done: %+v, %v", stored, err)
			}
			other = progress(stored, "other's")
			if err := healthy.Update(context.WithoutCancel(q.Context()), &other); err != nil {
				t.Error(err)
			}
		}()
		azuretest.LoseReply(p, w, q)
	})
	mine := progress(r, "mine")
	if err := s.Update(t.Context(), &mine); !errors.Is(err, job.ErrConflict) {
		t.Errorf("the write that was overtaken: %v", err)
	}
	tablestoretest.ExpectStored(t, s, "in the end", other)
}

// TestAnotherProcess states that a process never takes another's write for its
// own, even if it wrote the same.
func TestAnotherProcess(t *testing.T) {
	t.Parallel()
	s, other, _ := faulty(t)
	r := newRecord(t)
	same := tablestoretest.MustInsert(t, other, r)
	if err := s.Insert(t.Context(), &r); !errors.Is(err, job.ErrExists) {
		t.Errorf("the second insert: %v", err)
	}
	mine, others := progress(same, "x"), progress(same, "x")
	if err := other.Update(t.Context(), &others); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), &mine); !errors.Is(err, job.ErrConflict) {
		t.Errorf("the second update: %v", err)
	}
}

// TestRefusalAndReadFail states that a conflict which cannot be looked into is
// no conflict: the outcome is unknown.
func TestRefusalAndReadFail(t *testing.T) {
	t.Parallel()
	s, _, proxy := faulty(t)
	r := tablestoretest.MustInsert(t, s, newRecord(t))
	next := progress(r, "next")
	proxy.Inject(1, isUpdate, azuretest.LoseReply)
	proxy.Inject(4, func(r *http.Request) bool { return r.Method == http.MethodGet }, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
	if err := s.Update(t.Context(), &next); !errors.Is(err, job.ErrBusy) {
		t.Errorf("while nothing can be read: %v", err)
	}
	if err := s.Update(t.Context(), &next); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestDayBeingDropped states that writing into a day that is being dropped is
// for later.
func TestDayBeingDropped(t *testing.T) {
	t.Parallel()
	s, _, proxy := faulty(t)
	r := newRecord(t)
	proxy.Inject(1, isInsert, azuretest.Answer(http.StatusConflict, "TableBeingDeleted"))
	if err := s.Insert(t.Context(), &r); !errors.Is(err, job.ErrBusy) {
		t.Errorf("insert: %v", err)
	}
	proxy.Inject(1, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/Tables") },
		azuretest.Answer(http.StatusConflict, "TableBeingDeleted"))
	if err := s.Insert(t.Context(), &r); !errors.Is(err, job.ErrBusy) {
		t.Errorf("insert into a table that cannot be made: %v", err)
	}
	tablestoretest.MustInsert(t, s, r)
}

// TestContext states that the end of a call's context ends the call, at once
// and with the context's own error.
func TestContext(t *testing.T) {
	t.Parallel()
	s, _, proxy := faulty(t)
	r := tablestoretest.MustInsert(t, s, newRecord(t))
	proxy.Inject(10, nil, azuretest.Hang)
	ctx, cancel := context.WithTimeoutCause(t.Context(), stall/3, errors.New("no more time"))
	defer cancel()
	for name, call := range map[string]func() error{
		"get":    func() error { _, err := s.Get(ctx, r.ID); return err },
		"insert": func() error { r := newRecord(t); return s.Insert(ctx, &r) },
		"update": func() error { r := r; return s.Update(ctx, &r) },
		"lookup": func() error { _, err := s.Lookup(ctx, []job.ID{r.ID}); return err },
		"days":   func() error { _, err := s.Days(ctx); return err },
		"drop":   func() error { return s.DropDay(ctx, "20200101") },
		"ready":  func() error { return s.Ready(ctx) },
	} {
		start := time.Now()
		if err := call(); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, job.ErrBusy) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}
