package retention_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/retention"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

var (
	_ retention.Records = (*tablestore.Store)(nil)
	_ retention.Blobs   = (*blobstore.Container)(nil)
	_ retention.Keys    = (*tablestore.Reservations)(nil)
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// stores are a test's own part of Azurite.
type stores struct {
	t       *testing.T
	records *tablestore.Store
	keys    *tablestore.Reservations
	blobs   *blobstore.Store
	ring    *job.KeyRing
	log     bytes.Buffer
	logger  *slog.Logger
}

func newStores(t *testing.T) *stores {
	t.Helper()
	clients := azuretest.Clients(t, localazuretest.Storage(t).ConnectionString())
	name := localazuretest.Name(t)
	s := &stores{
		t:       t,
		records: tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: name}),
		keys:    tablestore.NewReservations(clients.Tables, &tablestore.Options{TablePrefix: name}),
		blobs:   blobstore.New(clients.Blobs, &blobstore.Options{PayloadContainer: name + "-p", ResultContainer: name + "-r"}),
	}
	s.logger = slog.New(slog.NewTextHandler(&s.log, nil))
	var err error
	if s.ring, err = job.NewKeyRing(make([]byte, job.MinKeyLength)); err != nil {
		t.Fatal(err)
	}
	return s
}

// janitor gives one for whom it is now, and whose retention is three days.
func (s *stores) janitor(now time.Time) *retention.Janitor {
	s.t.Helper()
	j, err := retention.New(&retention.Options{
		Records: s.records, Payloads: s.blobs.Payloads(), Results: s.blobs.Results(), Keys: s.keys,
		Retention: 72 * time.Hour, Interval: 10 * time.Millisecond, Now: func() time.Time { return now },
		Logger: s.logger,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// job stores all that there is of a job.
func (s *stores) job(id job.ID, at time.Time) {
	s.t.Helper()
	r := job.Claim(&job.Message{ID: id, Operation: "a", SubmittedAt: at}, at)
	if err := s.records.Insert(s.t.Context(), &r); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range []*blobstore.Container{s.blobs.Payloads(), s.blobs.Results()} {
		if err := c.Put(s.t.Context(), id.Day()+"/"+id.String(), strings.NewReader("x"), job.BlobProperties{}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *stores) issue(at time.Time) job.ID {
	id := job.NewIssuer(s.ring, func() time.Time { return at }).Issue("")
	s.job(id, at)
	return id
}

// days gives those of which there are records, payloads and results.
func (s *stores) days() (all [3][]string) {
	s.t.Helper()
	for i, list := range []func(context.Context) ([]string, error){s.records.Days, s.blobs.Payloads().Days, s.blobs.Results().Days} {
		var err error
		if all[i], err = list(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	return all
}

// TestRound states that a day is dropped, with everything of it, when its last
// job has been past retention for an hour, no earlier and no later, and that
// the log says so.
func TestRound(t *testing.T) {
	s := newStores(t)
	if err := s.blobs.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{day, day.Add(24*time.Hour - time.Millisecond), day.Add(24 * time.Hour), day.Add(72 * time.Hour)} {
		s.issue(at)
	}
	lone := job.NewIssuer(s.ring, func() time.Time { return day.Add(-time.Hour) }).Issue("") // a payload without a record
	if err := s.blobs.Payloads().Put(t.Context(), lone.Day()+"/"+lone.String(), strings.NewReader("x"), job.BlobProperties{}); err != nil {
		t.Fatal(err)
	}
	lapse := day.Add(24*time.Hour + 72*time.Hour + time.Hour)
	for _, step := range []struct {
		now  time.Time
		want []string
	}{
		{lapse.Add(-time.Millisecond), []string{"20261118", "20261119", "20261121"}},
		{lapse, []string{"20261119", "20261121"}},
		{lapse, []string{"20261119", "20261121"}},
		{lapse.Add(30 * 24 * time.Hour), nil},
	} {
		if err := s.janitor(step.now).Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, days := range s.days() {
			if !slices.Equal(days, step.want) {
				t.Errorf("at %v: days %v of the %d. store, want %v", step.now, days, i+1, step.want)
			}
		}
	}
	if !strings.Contains(s.log.String(), "day=20261118 payloads=2 results=2") {
		t.Errorf("logged %s", s.log.String())
	}
}

// TestForeignAndKeys states that what belongs to no day goes by its own time.
func TestForeignAndKeys(t *testing.T) {
	s := newStores(t)
	if err := s.blobs.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	foreign := job.ID{1, 6: 0x40, 15: 1}
	s.job(foreign, now)
	key := job.Reservation{Key: job.ReservationKey("", "a", "k"), ID: foreign, ExpiresAt: now}
	if err := s.keys.Insert(t.Context(), &key); err != nil {
		t.Fatal(err)
	}
	gone := func() [2]bool {
		_, recordErr := s.records.Get(t.Context(), foreign)
		_, keyErr := s.keys.Get(t.Context(), key.Key)
		return [2]bool{errors.Is(recordErr, job.ErrNotFound), errors.Is(keyErr, job.ErrNotFound)}
	}
	for _, step := range []struct {
		after time.Duration
		want  [2]bool
	}{{0, [2]bool{}}, {59 * time.Minute, [2]bool{}}, {2 * time.Hour, [2]bool{false, true}}, {74 * time.Hour, [2]bool{true, true}}} {
		if err := s.janitor(now.Add(step.after)).Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := gone(); got != step.want {
			t.Errorf("after %v: record and key gone %v, want %v", step.after, got, step.want)
		}
	}
	if days := s.days(); len(days[1]) != 0 || len(days[2]) != 0 {
		t.Errorf("left %v", days)
	}
}

// TestSeveral states that janitors at work at the same time do not disturb each
// other, and that without containers or tables there is nothing to do.
func TestSeveral(t *testing.T) {
	s := newStores(t)
	now := time.Now()
	if err := s.janitor(now).Round(t.Context()); err != nil {
		t.Errorf("on an empty account: %v", err)
	}
	if err := s.blobs.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		s.issue(now.AddDate(0, 0, -i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 3 {
		j := s.janitor(now)
		running.Go(func() { j.Run(ctx) })
	}
	defer running.Wait()
	defer cancel()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		days := s.days()
		if len(days[0]) <= 5 && len(days[1]) <= 5 && len(days[2]) <= 5 {
			if len(days[0]) < 4 {
				t.Errorf("days within the retention are gone: %v", days)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left %v", days)
		}
	}
}

// TestOptions states that a janitor that would drop everything, or nothing, is
// not made.
func TestOptions(t *testing.T) {
	if _, err := retention.New(&retention.Options{}); err == nil {
		t.Error("a janitor without stores was made")
	}
	s := newStores(t)
	if _, err := retention.New(&retention.Options{Records: s.records, Payloads: s.blobs.Payloads(), Results: s.blobs.Results(), Keys: s.keys}); err == nil {
		t.Error("a janitor without a retention was made")
	}
}
