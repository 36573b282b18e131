package check

import (
	"fmt"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// ends says how jobs of a kind may end besides being canceled when asked.
type ends struct {
	succeed bool
	code    string // of a failure; "": may not fail, whatever happens to the services
}

var allowed = map[witness.Kind]ends{
	witness.Failing:   {code: "HandlerFailed"},
	witness.Panicking: {code: "HandlerPanicked"},
	// A worker that was frozen until the work was done finds the result first.
	witness.Late:     {succeed: true, code: "AttemptTimeout"},
	witness.Hurried:  {succeed: true, code: "Expired"},
	witness.Poison:   {code: "AttemptsExhausted"},
	witness.Stranger: {code: "UnknownOperation"},
	witness.Garbled:  {code: "InvalidMessage"},
	witness.Bodiless: {code: "InvalidMessage"},
}

func endsOf(k witness.Kind) ends {
	if e, ok := allowed[k]; ok {
		return e
	}
	return ends{succeed: true}
}

// untruths tells in which ways an end is not what the request asked for.
func (v *Verdict) untruths(p witness.Promise, s witness.Sighting) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch s.State {
	case witness.Succeeded:
		if !endsOf(p.Kind).succeed {
			add("it succeeded although it cannot")
		}
		if !s.Whole {
			add("its result is cut or mixed: %.12s", s.Digest)
		}
		if s.Payload != p.Payload {
			add("its result was made of the payload %.12s, not of %.12s", s.Payload, p.Payload)
		}
		if p.CancelWon {
			add("its cancel was confirmed, but it succeeded")
		}
	case witness.Failed:
		if s.Code == "" || s.Message == "" {
			add("it failed without saying why")
		}
		gaveUp := v.options.MayGiveUp && s.Code == "DeliveryCountExceeded"
		if s.Code != endsOf(p.Kind).code && !gaveUp {
			add("it failed with %s: %s", s.Code, s.Message)
		}
		if p.CancelWon {
			add("its cancel was confirmed, but it failed")
		}
	case witness.Stopped:
		if !p.CancelAsked {
			add("it was canceled although nobody asked for that")
		}
	}
	return all
}
