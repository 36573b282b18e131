// Package check judges a run by what clients saw and by what lies in Blob and
// Table at its end.
package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// Stored is what lies in storage at the end.
type Stored interface {
	// Row gives what the table says of a job; ok is false if it says nothing.
	Row(ctx context.Context, id string) (row Row, ok bool, err error)
	// Result gives the digest of a result's bytes, SHA-256 in hexadecimal; ok is
	// false if there is no such blob.
	Result(ctx context.Context, blob string) (digest string, ok bool, err error)
}

// Row is what the table says of a job.
type Row struct {
	State  string // as the table has it
	Code   string // of a failure
	Blob   string // of a result
	Digest string // of a result
}

// Finding is a broken promise.
type Finding struct {
	ID   string
	Kind witness.Kind
	What string
}

// Verdict is what came of a run.
type Verdict struct {
	Accepted, Succeeded, Failed, Canceled int

	Lost    []Finding // no end that the caller can see
	Doubled []Finding // two ends, or two jobs for one request
	Wrong   []Finding // an end that is not true

	options Options
}

// Clean reports whether every promise was kept.
func (v *Verdict) Clean() bool { return len(v.Lost)+len(v.Doubled)+len(v.Wrong) == 0 }

// Add adds what was found to be broken in another verdict. The jobs that it
// counts are not this one's.
func (v *Verdict) Add(other *Verdict) {
	v.Lost = append(v.Lost, other.Lost...)
	v.Doubled = append(v.Doubled, other.Doubled...)
	v.Wrong = append(v.Wrong, other.Wrong...)
}

// Options are what a checker is to know of a run. The zero value, or nil, is
// usable.
type Options struct {
	// MayGiveUp allows any job to fail because its message was delivered too
	// often: the queue gives up so soon that a few crashes are enough.
	MayGiveUp bool
}

// Check judges every promise of the journal. Its error is one of reading
// storage.
func Check(ctx context.Context, journal *witness.Journal, stored Stored, opts *Options) (*Verdict, error) {
	v := &Verdict{}
	if opts != nil {
		v.options = *opts
	}
	for _, p := range journal.Promises() {
		if err := v.judge(ctx, p, stored); err != nil {
			return nil, err
		}
	}
	for key, ids := range journal.Keys() {
		slices.Sort(ids)
		if ids = slices.Compact(ids); len(ids) > 1 {
			v.Doubled = append(v.Doubled, Finding{ids[0], witness.Keyed, fmt.Sprintf("key %s stands for the jobs %v", key, ids)})
		}
	}
	return v, nil
}

// judge judges one promise.
func (v *Verdict) judge(ctx context.Context, p witness.Promise, stored Stored) error {
	v.Accepted++
	add := func(to *[]Finding, format string, args ...any) {
		*to = append(*to, Finding{p.ID, p.Kind, fmt.Sprintf(format, args...)})
	}
	for _, what := range p.Strange {
		add(&v.Wrong, "%s", what)
	}
	row, there, err := stored.Row(ctx, p.ID)
	if err != nil {
		return err
	}
	if len(p.Sightings) == 0 {
		add(&v.Lost, "its caller saw no end; the table says %q", row.State)
		return nil
	}
	first := p.Sightings[0]
	v.count(first.State)
	for _, s := range p.Sightings[1:] {
		if differ(first, s) {
			add(&v.Doubled, "it ended as %s and as %s", tell(first), tell(s))
		}
	}
	switch {
	case !there || !Terminal(row.State):
		add(&v.Lost, "its caller saw %s, but the table says %q", first.State, row.State)
	case row.State != first.State || row.Code != first.Code:
		add(&v.Doubled, "its caller saw %s, but the table says %s %s", tell(first), row.State, row.Code)
	}
	for _, what := range v.untruths(p, first) {
		add(&v.Wrong, "%s", what)
	}
	return v.judgeResult(ctx, p, first, row, stored)
}

func (v *Verdict) count(state string) {
	switch state {
	case witness.Succeeded:
		v.Succeeded++
	case witness.Failed:
		v.Failed++
	default:
		v.Canceled++
	}
}

// judgeResult compares the result that was read with the one that is stored.
func (v *Verdict) judgeResult(ctx context.Context, p witness.Promise, s witness.Sighting, row Row, stored Stored) error {
	wrong := func(format string, args ...any) {
		v.Wrong = append(v.Wrong, Finding{p.ID, p.Kind, fmt.Sprintf(format, args...)})
	}
	if s.State != witness.Succeeded {
		if row.Blob != "" && row.State != witness.Succeeded {
			wrong("it is %s, but the table names a result", row.State)
		}
		return nil
	}
	if row.Blob == "" {
		wrong("it succeeded, but the table names no result")
		return nil
	}
	digest, there, err := stored.Result(ctx, row.Blob)
	switch {
	case err != nil:
		return err
	case !there:
		wrong("its result is not in storage")
	case digest != row.Digest:
		wrong("the stored result is %.12s, but the table says %.12s", digest, row.Digest)
	case digest != s.Digest:
		wrong("its caller read the result %.12s, but stored is %.12s", s.Digest, digest)
	}
	return nil
}

// Terminal reports whether a row with this state tells an end.
func Terminal(state string) bool {
	return state == witness.Succeeded || state == witness.Failed || state == witness.Stopped
}

func differ(a, b witness.Sighting) bool {
	return a.State != b.State || a.Code != b.Code || a.Digest != b.Digest
}

func tell(s witness.Sighting) string {
	if s.State == witness.Succeeded {
		return fmt.Sprintf("%s with %.12s by attempt %s", s.State, s.Digest, s.Attempt)
	}
	return s.State + " with " + s.Code
}
