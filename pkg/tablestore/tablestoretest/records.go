package tablestoretest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// NewID gives an id issued at a time.
func NewID(tb testing.TB, at time.Time) job.ID {
	tb.Helper()
	return issuer(tb, at).Issue("")
}

// IDsOfOneShard gives n ids in ascending order that share a shard and a day.
func IDsOfOneShard(tb testing.TB, n int) []job.ID {
	tb.Helper()
	at := time.Now()
	i := issuer(tb, at) // time stands still, so that the shard changes by number only
	for {
		ids := make([]job.ID, n)
		for k := range ids {
			ids[k] = i.Issue("")
		}
		if !slices.ContainsFunc(ids, func(id job.ID) bool { return id.Shard() != ids[0].Shard() }) {
			slices.SortFunc(ids, func(a, b job.ID) int { return bytes.Compare(a[:], b[:]) })
			return ids
		}
	}
}

func issuer(tb testing.TB, at time.Time) *job.Issuer {
	tb.Helper()
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		tb.Fatal(err)
	}
	return job.NewIssuer(ring, func() time.Time { return at })
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 123_456_700, time.UTC)

// Running gives the record of a job that was just claimed.
func Running(id job.ID) job.Record {
	return job.Record{
		ID: id, Operation: "thumbnail", Status: job.StatusRunning,
		SubmittedAt: noon, StartedAt: noon.Add(time.Second), UpdatedAt: noon.Add(2 * time.Second),
		Attempt: 1,
	}
}

// Full gives a record with every field set, to odd values where they may be.
func Full(id job.ID) job.Record {
	r := Running(id)
	r.Owner = `tenant/ünïcode "quoted" 'single' \ & <tag>`
	r.Status = job.StatusFailed
	r.FinishedAt, r.NextAttemptAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
	r.Attempt, r.FailedAttempts, r.FailedBefore, r.RedrivenAt = 3, 2, 1, noon.Add(time.Minute)
	r.Percent, r.Progress = 100, "page 3 of 3 – fertig 🎉"
	r.LastError = &job.Failure{Code: job.CodeAttemptTimeout, Message: "too slow"}
	r.Failure = &job.Failure{Code: job.CodeHandlerFailed, Message: "no", Detail: json.RawMessage(`{"a":[1,"<ü>"]}`)}
	r.Result = &job.Result{
		Blob: "20261121/" + id.String() + "/1-x", Size: 1 << 40, ContentType: "image/png",
		SHA256: "00ff", FileName: "фото.png",
	}
	return r
}

// MustInsert inserts r and gives it with its version.
func MustInsert(tb testing.TB, s Store, r job.Record) job.Record {
	tb.Helper()
	if err := s.Insert(tb.Context(), &r); err != nil {
		tb.Fatal(err)
	}
	if r.Version == "" {
		tb.Fatal("an insert set no version")
	}
	return r
}

// ExpectStored fails the test if what is stored is not want, versions apart.
func ExpectStored(tb testing.TB, s Store, when string, want job.Record) {
	tb.Helper()
	got, err := s.Get(tb.Context(), want.ID)
	if err != nil {
		tb.Fatalf("%s: %v", when, err)
	}
	if got.Version == "" {
		tb.Errorf("%s: the record that was read has no version", when)
	}
	if !Same(got, want) {
		tb.Errorf("%s: stored is\n%+v\nwant\n%+v", when, got, want)
	}
}

// Same reports whether two records are the same, versions apart.
func Same(a, b job.Record) bool {
	a.Version, b.Version = "", ""
	return reflect.DeepEqual(a, b)
}
