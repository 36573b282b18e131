package tablestore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/tablestore/tablestoretest"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// open gives a store of its own to a test.
func open(t *testing.T, connectionString, prefix string, opts *azure.Options) *tablestore.Store {
	t.Helper()
	settings := azure.Storage{ConnectionString: connectionString}
	clients, err := settings.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clients.Close)
	return tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: prefix})
}

func newStore(t *testing.T) *tablestore.Store {
	t.Helper()
	return open(t, localazuretest.Storage(t).ConnectionString(), localazuretest.Name(t), nil)
}

// TestStore states that a store on Table storage keeps every store's promises.
func TestStore(t *testing.T) {
	tablestoretest.Run(t, func(t *testing.T) tablestoretest.Store { return newStore(t) })
}

// TestFirstUse states that concurrent first inserts of a day agree on its table.
func TestFirstUse(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var group errgroup.Group
	for range 16 {
		r := tablestoretest.Running(tablestoretest.NewID(t, time.Now()))
		group.Go(func() error { return s.Insert(t.Context(), &r) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestDays states that days are listed oldest first, that dropping one removes
// its records and no others, and that a dropped day can be written to again.
func TestDays(t *testing.T) {
	t.Parallel()
	account := localazuretest.Storage(t).ConnectionString()
	name := localazuretest.Name(t)
	s := open(t, account, name, nil)
	tablestoretest.MustInsert(t, open(t, account, name+"x", nil), tablestoretest.Running(tablestoretest.NewID(t, time.Now())))
	if days, err := s.Days(t.Context()); err != nil || len(days) != 0 {
		t.Errorf("Days of an empty store = %v, %v", days, err)
	}
	old := tablestoretest.Running(tablestoretest.NewID(t, time.Date(2026, 11, 20, 23, 59, 59, 0, time.UTC)))
	recent := tablestoretest.Running(tablestoretest.NewID(t, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)))
	foreign := tablestoretest.Running(job.ID{1, 6: 0x40, 15: 1})
	for _, r := range []job.Record{foreign, recent, old} {
		tablestoretest.MustInsert(t, s, r)
	}
	days, err := s.Days(t.Context())
	if want := []string{"20261120", "20261121", job.ForeignDay}; err != nil || !slices.Equal(days, want) {
		t.Fatalf("Days = %v, %v, want %v", days, err, want)
	}
	for range 2 {
		if err := s.DropDay(t.Context(), days[0]); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := s.Get(t.Context(), old.ID); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("a record of a dropped day = %+v, %v", r, err)
	}
	tablestoretest.ExpectStored(t, s, "a record of another day", recent)
	tablestoretest.MustInsert(t, s, old)
}

// TestLookupOfManyPages states that a lookup is read to its end, also when Table
// storage gives it in pages of 1,000.
func TestLookupOfManyPages(t *testing.T) {
	t.Parallel()
	const records = 1001
	s := newStore(t)
	var ids []job.ID
	var group errgroup.Group
	group.SetLimit(8)
	for i := range records {
		id := tablestoretest.NewID(t, time.Now().Truncate(24*time.Hour))
		id[6], id[7] = 0x8a, 0xb0 // one shard
		id[12], id[13] = byte(i>>8), byte(i)
		ids = append(ids, id)
		group.Go(func() error {
			r := tablestoretest.Running(id)
			return s.Insert(t.Context(), &r)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(ids, func(a, b job.ID) int { return bytes.Compare(a[:], b[:]) })
	got, err := s.Lookup(t.Context(), ids)
	if err != nil || len(got) != records {
		t.Fatalf("%d records, %v", len(got), err)
	}
	for i, r := range got {
		if r.ID != ids[i] {
			t.Fatalf("record %d is of %s, want %s", i, r.ID, ids[i])
		}
	}
}

// TestWhatDoesNotFit states that a text too long for a property, or a number
// that JSON cannot say, never keeps a job from being recorded: it is cut, to
// valid text, and failures stay readable.
func TestWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, detail := range map[string]string{
		"text":        `"` + strings.Repeat("ü", 50_000) + `"`,
		"quotes":      `{"a":"` + strings.Repeat(`\"`, 40_000) + `"}`,
		"angles":      `{"a":"` + strings.Repeat(`<`, 40_000) + `"}`,
		"not JSON":    "<html>" + strings.Repeat("x", 100_000),
		"not UTF-8":   strings.Repeat("\xff", 40_000),
		"fits":        `{"a":1}`,
		"hardly fits": `"` + strings.Repeat("x", 27_000) + `"`,
	} {
		r := tablestoretest.Running(tablestoretest.NewID(t, time.Now()))
		r.Percent = math.NaN()
		r.Progress = strings.Repeat("ä", 100_000)
		r.Failure = &job.Failure{Code: job.CodeHandlerFailed, Message: strings.Repeat("m", 100_000), Detail: json.RawMessage(detail)}
		r.LastError = r.Failure
		tablestoretest.MustInsert(t, s, r)
		got, err := s.Get(t.Context(), r.ID)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkCut(t, name, got, detail)
	}
}

func checkCut(t *testing.T, name string, got job.Record, detail string) {
	t.Helper()
	f := got.Failure
	if f == nil || f.Code != job.CodeHandlerFailed || !strings.HasPrefix(f.Message, "mmm") || !strings.HasSuffix(f.Message, "…") {
		t.Fatalf("%s: failure %.100v", name, f)
	}
	if !json.Valid(f.Detail) || len(f.Detail) == 0 {
		t.Errorf("%s: detail %.100q is not JSON", name, f.Detail)
	}
	if strings.Contains(name, "fits") && string(f.Detail) != detail {
		t.Errorf("%s: detail became %.100q", name, f.Detail)
	}
	if !utf8.ValidString(got.Progress) || !strings.HasSuffix(got.Progress, "…") || got.Percent != 0 {
		t.Errorf("%s: progress %v %.100q", name, got.Percent, got.Progress)
	}
}

// TestReady states that readiness needs no table, but the service.
func TestReady(t *testing.T) {
	t.Parallel()
	if err := newStore(t).Ready(t.Context()); err != nil {
		t.Errorf("a store without tables: %v", err)
	}
	nobody := localazuretest.Storage(t)
	nobody.TableEndpoint = "http://127.0.0.1:1/" + nobody.AccountName
	if err := open(t, nobody.ConnectionString(), "jobs", nil).Ready(t.Context()); !errors.Is(err, job.ErrBusy) {
		t.Errorf("nobody at the endpoint: %v", err)
	}
	stranger := localazuretest.Storage(t)
	stranger.AccountKey = "c3RyYW5nZXI="
	err := open(t, stranger.ConnectionString(), "jobs", nil).Ready(t.Context())
	if err == nil || errors.Is(err, job.ErrBusy) || !strings.Contains(err.Error(), "403") {
		t.Errorf("a wrong key: %v", err)
	}
}

// TestWhatOperatorsSee states that a row says in plain names and types what a
// job is about.
func TestWhatOperatorsSee(t *testing.T) {
	t.Parallel()
	settings := azure.Storage{ConnectionString: localazuretest.Storage(t).ConnectionString()}
	clients, err := settings.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clients.Close)
	prefix := localazuretest.Name(t)
	s := tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: prefix})
	r := tablestoretest.MustInsert(t, s, tablestoretest.Full(tablestoretest.NewID(t, time.Now())))

	entity, err := clients.Tables.NewClient(prefix+r.ID.Day()).GetEntity(t.Context(), fmt.Sprintf("%02x", r.ID.Shard()), r.ID.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var properties map[string]any
	if err := json.Unmarshal(entity.Value, &properties); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"Operation": "thumbnail", "Status": "Failed", "Attempt": 3.0, "Percent": 100.0,
		"SubmittedAt": "2026-11-21T12:00:00.1234567Z", "SubmittedAt@odata.type": "Edm.DateTime",
		"ResultSize": "1099511627776", "ResultSize@odata.type": "Edm.Int64", "ResultContentType": "image/png",
		"LastError": `{"code":"AttemptTimeout","message":"too slow"}`,
	} {
		if got := properties[name]; got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}
