package check_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/check"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// stored is a storage account as the test wants it.
type stored struct {
	rows    map[string]check.Row
	results map[string]string
	err     error
}

func (s stored) Row(_ context.Context, id string) (check.Row, bool, error) {
	row, ok := s.rows[id]
	return row, ok, s.err
}

func (s stored) Result(_ context.Context, blob string) (string, bool, error) {
	digest, ok := s.results[blob]
	return digest, ok, s.err
}

// What a job looks like that was done as it should be.
func goodPromise() witness.Promise {
	return witness.Promise{ID: "id", Kind: witness.Quick, Payload: "p", Sightings: []witness.Sighting{goodSighting(), goodSighting()}}
}

func goodSighting() witness.Sighting {
	return witness.Sighting{State: witness.Succeeded, Digest: "d", Payload: "p", Whole: true}
}

func goodStored() stored {
	return stored{
		rows:    map[string]check.Row{"id": {State: witness.Succeeded, Blob: "b", Digest: "d"}},
		results: map[string]string{"b": "d"},
	}
}

func ended(state, code string) []witness.Sighting {
	return []witness.Sighting{{State: state, Code: code, Message: "why"}}
}

// TestEveryBrokenPromiseIsFound breaks one thing at a time.
func TestEveryBrokenPromiseIsFound(t *testing.T) {
	const lost, doubled, wrong = "lost", "doubled", "wrong"
	for name, test := range map[string]struct {
		change func(p *witness.Promise, s *stored)
		want   []string
	}{
		"nothing": {func(*witness.Promise, *stored) {}, nil},
		"no end is seen": {func(p *witness.Promise, s *stored) {
			p.Sightings = nil
		}, []string{lost}},
		"the row is gone": {func(p *witness.Promise, s *stored) {
			p.Kind, p.Sightings = witness.Failing, ended(witness.Failed, "HandlerFailed")
			delete(s.rows, "id")
		}, []string{lost}},
		"the row is still running": {func(p *witness.Promise, s *stored) {
			p.Kind, p.Sightings = witness.Failing, ended(witness.Failed, "HandlerFailed")
			s.rows["id"] = check.Row{State: "Running"}
		}, []string{lost}},
		"two results are seen": {func(p *witness.Promise, s *stored) {
			p.Sightings[1].Digest = "e"
		}, []string{doubled}},
		"two ends are seen": {func(p *witness.Promise, s *stored) {
			p.Sightings = append(p.Sightings, ended(witness.Failed, "Expired")...)
		}, []string{doubled}},
		"the table tells another end": {func(p *witness.Promise, s *stored) {
			p.Kind, p.Sightings = witness.Failing, ended(witness.Failed, "HandlerFailed")
			s.rows["id"] = check.Row{State: witness.Stopped, Code: "Canceled"}
		}, []string{doubled}},
		"the result is gone": {func(p *witness.Promise, s *stored) {
			delete(s.results, "b")
		}, []string{wrong}},
		"the result is not named": {func(p *witness.Promise, s *stored) {
			s.rows["id"] = check.Row{State: witness.Succeeded}
		}, []string{wrong}},
		"another result is stored": {func(p *witness.Promise, s *stored) {
			s.results["b"] = "e"
		}, []string{wrong}},
		"another result was read": {func(p *witness.Promise, s *stored) {
			p.Sightings = []witness.Sighting{{State: witness.Succeeded, Digest: "e", Payload: "p", Whole: true}}
		}, []string{wrong}},
		"the result is cut": {func(p *witness.Promise, s *stored) {
			p.Sightings[0].Whole = false
		}, []string{wrong}},
		"the result is somebody else's": {func(p *witness.Promise, s *stored) {
			p.Sightings[0].Payload = "q"
		}, []string{wrong}},
		"what must fail succeeds": {func(p *witness.Promise, s *stored) {
			p.Kind = witness.Panicking
		}, []string{wrong}},
		"what must succeed fails": {func(p *witness.Promise, s *stored) {
			p.Sightings = ended(witness.Failed, "AttemptsExhausted")
			s.rows["id"] = check.Row{State: witness.Failed, Code: "AttemptsExhausted"}
		}, []string{wrong}},
		"it fails without a word": {func(p *witness.Promise, s *stored) {
			p.Kind, p.Sightings = witness.Failing, []witness.Sighting{{State: witness.Failed, Code: "HandlerFailed"}}
			s.rows["id"] = check.Row{State: witness.Failed, Code: "HandlerFailed"}
		}, []string{wrong}},
		"a cancel nobody asked for": {func(p *witness.Promise, s *stored) {
			p.Sightings = ended(witness.Stopped, "Canceled")
			s.rows["id"] = check.Row{State: witness.Stopped, Code: "Canceled"}
		}, []string{wrong}},
		"a confirmed cancel that is no end": {func(p *witness.Promise, s *stored) {
			p.CancelAsked, p.CancelWon = true, true
		}, []string{wrong}},
		"a canceled job with a result": {func(p *witness.Promise, s *stored) {
			p.CancelAsked, p.Sightings = true, ended(witness.Stopped, "Canceled")
			s.rows["id"] = check.Row{State: witness.Stopped, Code: "Canceled", Blob: "b"}
		}, []string{wrong}},
		"a strange answer": {func(p *witness.Promise, s *stored) {
			p.Strange = []string{"404"}
		}, []string{wrong}},
	} {
		t.Run(name, func(t *testing.T) {
			p, s := goodPromise(), goodStored()
			test.change(&p, &s)
			journal := witness.NewJournal()
			journal.Accept(p)
			v, err := check.Check(t.Context(), journal, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for kind, findings := range map[string][]check.Finding{lost: v.Lost, doubled: v.Doubled, wrong: v.Wrong} {
				if len(findings) > 0 {
					got = append(got, kind)
				}
			}
			if slices.Sort(got); !slices.Equal(got, test.want) {
				t.Errorf("found %v, want %v: %+v", got, test.want, v)
			}
			if v.Clean() != (len(test.want) == 0) {
				t.Errorf("Clean is %v", v.Clean())
			}
		})
	}
}

// TestEndsThatAreAskedFor are counted and no findings.
func TestEndsThatAreAskedFor(t *testing.T) {
	journal := witness.NewJournal()
	s := stored{rows: map[string]check.Row{}}
	for id, p := range map[string]witness.Promise{
		"1": {Kind: witness.Failing, Sightings: ended(witness.Failed, "HandlerFailed")},
		"2": {Kind: witness.Panicking, Sightings: ended(witness.Failed, "HandlerPanicked")},
		"3": {Kind: witness.Canceled, CancelAsked: true, CancelWon: true, Sightings: ended(witness.Stopped, "Canceled")},
	} {
		p.ID = id
		journal.Accept(p)
		s.rows[id] = check.Row{State: p.Sightings[0].State, Code: p.Sightings[0].Code}
	}
	v, err := check.Check(t.Context(), journal, s, nil)
	if err != nil || !v.Clean() || v.Accepted != 3 || v.Failed != 2 || v.Canceled != 1 || v.Succeeded != 0 {
		t.Errorf("got %+v, %v", v, err)
	}
}

// TestOneKeyIsOneJob finds a key that was answered with two.
func TestOneKeyIsOneJob(t *testing.T) {
	journal, s := witness.NewJournal(), stored{rows: map[string]check.Row{}}
	for _, id := range []string{"1", "1", "2"} {
		journal.Accept(witness.Promise{ID: id, Key: "k", Kind: witness.Canceled, CancelAsked: true, Sightings: ended(witness.Stopped, "Canceled")})
		s.rows[id] = check.Row{State: witness.Stopped, Code: "Canceled"}
	}
	v, err := check.Check(t.Context(), journal, s, nil)
	if err != nil || v.Accepted != 2 || len(v.Doubled) != 1 || len(v.Lost)+len(v.Wrong) != 0 {
		t.Errorf("got %+v, %v", v, err)
	}
}

// TestGivenUp allows any job to have been delivered too often, in runs made for
// that only.
func TestGivenUp(t *testing.T) {
	journal, s := witness.NewJournal(), goodStored()
	p := goodPromise()
	p.Sightings = ended(witness.Failed, "DeliveryCountExceeded")
	s.rows["id"] = check.Row{State: witness.Failed, Code: "DeliveryCountExceeded"}
	journal.Accept(p)
	for _, may := range []bool{false, true} {
		v, err := check.Check(t.Context(), journal, s, &check.Options{MayGiveUp: may})
		if err != nil || v.Clean() != may {
			t.Errorf("allowed %v: got %+v, %v", may, v, err)
		}
	}
}

// TestUnreadableStorageIsNoVerdict keeps a checker that cannot see from saying
// that all is well.
func TestUnreadableStorageIsNoVerdict(t *testing.T) {
	journal, s := witness.NewJournal(), goodStored()
	journal.Accept(goodPromise())
	s.err = errors.New("out of reach")
	if v, err := check.Check(t.Context(), journal, s, nil); err == nil {
		t.Errorf("got %+v", v)
	}
}
