// Package witness keeps what clients saw: every 202 they got and every answer
// that told them the end of a job. It is all that the checker knows from
// inside, and it knows nothing of how the services work.
package witness

import (
	"maps"
	"sync"
	"time"
)

// Kind is what a request asks for, which decides how its job may end.
type Kind string

// The kinds of requests.
const (
	Quick     Kind = "quick"     // is done at once
	Slow      Kind = "slow"      // takes seconds
	Large     Kind = "large"     // has a claim-checked payload and a streamed result
	Flaky     Kind = "flaky"     // fails at first and succeeds later
	Failing   Kind = "failing"   // fails for good
	Panicking Kind = "panicking" // panics
	Canceled  Kind = "canceled"  // is slow, and canceled by its caller at some moment
	Keyed     Kind = "keyed"     // is quick and posted several times with one Idempotency-Key
	Hurried   Kind = "hurried"   // may wait in the queue for seconds only
	Late      Kind = "late"      // takes longer than an attempt may
)

// The kinds of messages that another program puts into the queue. Those without
// an id of a job of their own end in the dead-letter queue and nowhere else.
const (
	Guest    Kind = "guest"    // as the acceptor would have made it, with a GUID of the program's own
	Poison   Kind = "poison"   // the same, and its work fails whenever it is tried
	Stranger Kind = "stranger" // names an operation that there is not
	Garbled  Kind = "garbled"  // has a property that cannot be understood
	Bodiless Kind = "bodiless" // has a body that is not bytes
	Nameless Kind = "nameless" // has no GUID
	Misnamed Kind = "misnamed" // has a GUID that is none
	Intruder Kind = "intruder" // is garbled and has the GUID of somebody's running job
	Impostor Kind = "impostor" // is a stranger and has the GUID of somebody's running job
)

// Ends in the words of the status service.
const (
	Succeeded = "Succeeded"
	Failed    = "Failed"
	Stopped   = "Canceled"
)

// Sighting is one answer that told a job's end.
type Sighting struct {
	At      time.Time
	State   string // Succeeded, Failed or Canceled
	Code    string // of a failure
	Message string // of a failure
	Digest  string // of the result's bytes, SHA-256 in hexadecimal, where they were read
	Attempt string // that the result names as its maker's
	Payload string // digest of the payload, as the result names it
	Whole   bool   // the result reads as the backend wrote it
}

// Promise is a request that got its 202.
type Promise struct {
	ID        string
	Kind      Kind
	Key       string // Idempotency-Key, or ""
	StatusURL string
	Payload   string // digest of the payload, SHA-256 in hexadecimal
	At        time.Time

	CancelAsked bool // a DELETE may have reached the service
	CancelWon   bool // a DELETE was answered with 202
	Sightings   []Sighting
	Strange     []string // answers that no promised job may get
}

// Journal holds promises. It is safe for concurrent use.
type Journal struct {
	mu       sync.Mutex
	promises []*Promise
	byID     map[string]*Promise
	keys     map[string][]string
	refused  map[string]int
}

// NewJournal makes an empty journal.
func NewJournal() *Journal {
	return &Journal{byID: map[string]*Promise{}, keys: map[string][]string{}, refused: map[string]int{}}
}

// Accept notes a 202. Of several for one id, as repeated requests with a key
// get them, the first one stands.
func (j *Journal) Accept(p Promise) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p.Key != "" {
		j.keys[p.Key] = append(j.keys[p.Key], p.ID)
	}
	if j.byID[p.ID] == nil {
		j.byID[p.ID] = &p
		j.promises = append(j.promises, &p)
	}
}

// Refuse counts a request that got no 202, by what it got instead.
func (j *Journal) Refuse(why string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refused[why]++
}

// Note changes what is known of a promise.
func (j *Journal) Note(id string, change func(*Promise)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.byID[id]; p != nil {
		change(p)
	}
}

// Promises gives copies of all promises in the order they were made.
func (j *Journal) Promises() []Promise {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]Promise, len(j.promises))
	for i, p := range j.promises {
		all[i] = *p
		all[i].Sightings = append([]Sighting(nil), p.Sightings...)
		all[i].Strange = append([]string(nil), p.Strange...)
	}
	return all
}

// Keys gives the ids that each Idempotency-Key was answered with.
func (j *Journal) Keys() map[string][]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	keys := make(map[string][]string, len(j.keys))
	for key, ids := range j.keys {
		keys[key] = append([]string(nil), ids...)
	}
	return keys
}

// Refused gives how many requests got no 202, by what they got instead.
func (j *Journal) Refused() map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.refused)
}
