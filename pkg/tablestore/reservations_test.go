package tablestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/tablestore/tablestoretest"
)

// proxied gives clients of the account behind a proxy.
func proxied(t *testing.T) (*azure.Clients, *azuretest.Proxy) {
	t.Helper()
	account := localazuretest.Storage(t)
	proxy := azuretest.NewProxy(t, account.TableEndpoint)
	account.TableEndpoint = proxy.URL()
	settings := azure.Storage{ConnectionString: account.ConnectionString()}
	clients, err := settings.Open(&azure.Options{StallTimeout: stall})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clients.Close)
	return clients, proxy
}

// reservations gives a store of reservations behind a proxy.
func reservations(t *testing.T) (*tablestore.Reservations, *azuretest.Proxy) {
	t.Helper()
	clients, proxy := proxied(t)
	return tablestore.NewReservations(clients.Tables, &tablestore.Options{TablePrefix: localazuretest.Name(t)}), proxy
}

func newReservation(t *testing.T, key string) job.Reservation {
	t.Helper()
	at := time.Date(2026, 11, 21, 12, 0, 0, 123_456_700, time.UTC)
	return job.Reservation{
		Key: job.ReservationKey("owner", "operation", key), ID: tablestoretest.NewID(t, time.Now()), Fingerprint: "f",
		SubmittedAt: at, ExpiresAt: at.Add(time.Hour), PayloadBlob: "20261121/x", PayloadSize: 1 << 40,
	}
}

// TestReservations states what is kept of a key: all of it, from the first
// insert, until an update over the version that was read.
func TestReservations(t *testing.T) {
	t.Parallel()
	s, _ := reservations(t)
	r := newReservation(t, "a")
	if _, err := s.Get(t.Context(), r.Key); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("before the insert: %v", err)
	}
	if err := s.Insert(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	second := newReservation(t, "a")
	if err := s.Insert(t.Context(), &second); !errors.Is(err, job.ErrExists) {
		t.Errorf("a second insert: %v", err)
	}
	stale := r
	r.Queued = true
	if err := s.Update(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	stale.Fingerprint = "g"
	if err := s.Update(t.Context(), &stale); !errors.Is(err, job.ErrConflict) {
		t.Errorf("an update over a stale version: %v", err)
	}
	if err := s.Update(t.Context(), &second); err == nil {
		t.Error("an update without a version went through")
	}
	if got, err := s.Get(t.Context(), r.Key); err != nil || got != r {
		t.Errorf("stored\n%+v, want\n%+v, %v", got, r, err)
	}
}

// TestReservationRace states that of many who reserve a key at once one does,
// also if its replies are lost.
func TestReservationRace(t *testing.T) {
	t.Parallel()
	s, proxy := reservations(t)
	proxy.Inject(8, isInsert, azuretest.LoseReply)
	var winners atomic.Int32
	var group errgroup.Group
	for range 16 {
		r := newReservation(t, "a")
		group.Go(func() error {
			err := s.Insert(t.Context(), &r)
			if err == nil {
				winners.Add(1)
			}
			if errors.Is(err, job.ErrExists) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil || winners.Load() != 1 {
		t.Errorf("%d reserved, %v", winners.Load(), err)
	}
}

// TestReservationFaults states that a write whose reply was lost is known for
// one's own, and that an outage is said to be one.
func TestReservationFaults(t *testing.T) {
	t.Parallel()
	s, proxy := reservations(t)
	first := newReservation(t, "first")
	if err := s.Insert(t.Context(), &first); err != nil { // makes the table
		t.Fatal(err)
	}
	r := newReservation(t, "a")
	proxy.Inject(1, isInsert, azuretest.LoseReply)
	if err := s.Insert(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	r.Queued = true
	proxy.Inject(1, isUpdate, azuretest.LoseReply)
	if err := s.Update(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), r.Key); err != nil || got != r {
		t.Errorf("stored %+v, want %+v, %v", got, r, err)
	}
	proxy.Inject(100, nil, azuretest.Answer(http.StatusServiceUnavailable, "ServerBusy"))
	if _, err := s.Get(t.Context(), r.Key); !errors.Is(err, job.ErrBusy) {
		t.Errorf("during the outage: %v", err)
	}
}

// TestDropExpired states that expired reservations are dropped, all of them and
// no others.
func TestDropExpired(t *testing.T) {
	t.Parallel()
	s, _ := reservations(t)
	now := time.Now().UTC().Truncate(time.Second)
	if n, err := s.DropExpired(t.Context(), now); n != 0 || err != nil {
		t.Errorf("without a table: %d, %v", n, err)
	}
	for i := range 40 {
		r := newReservation(t, fmt.Sprint(i))
		r.ExpiresAt = now.Add(time.Duration(i-30) * time.Minute)
		if err := s.Insert(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.DropExpired(t.Context(), now); n != 30 || err != nil {
		t.Errorf("dropped %d, %v; want 30", n, err)
	}
	for i := range 40 {
		_, err := s.Get(t.Context(), newReservation(t, fmt.Sprint(i)).Key)
		if dropped := errors.Is(err, job.ErrNotFound); dropped != (i < 30) {
			t.Errorf("reservation %d: %v", i, err)
		}
	}
}

// TestDropForeign states that of jobs whose ids carry no time those are dropped
// that nobody has written to for long.
func TestDropForeign(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := time.Now().UTC().Truncate(time.Second)
	old, recent := tablestoretest.Running(job.ID{1, 6: 0x40, 15: 1}), tablestoretest.Running(job.ID{1, 6: 0x40, 15: 2})
	old.UpdatedAt, recent.UpdatedAt = now.Add(-time.Hour), now
	old, recent = tablestoretest.MustInsert(t, s, old), tablestoretest.MustInsert(t, s, recent)
	if n, err := s.DropForeign(t.Context(), now.Add(-time.Minute)); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	if _, err := s.Get(t.Context(), old.ID); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("the old one: %v", err)
	}
	tablestoretest.ExpectStored(t, s, "the recent one", recent)
}
