// Package load plays the callers: they post requests of many kinds, poll until
// each is over, cancel some, repeat some, and write down what they saw.
package load

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// Options say how much load and where.
type Options struct {
	Acceptor string        // URL
	Seed     uint64        // decides kinds, payloads and moments
	Jobs     int           // requests in all
	Over     time.Duration // in which they are posted
	Journal  *witness.Journal
}

// Load is a crowd of callers.
type Load struct {
	Options
	client *http.Client
}

// requestTimeout is how long a caller waits for an answer.
const requestTimeout = 15 * time.Second

// persistence is how long callers who were refused go on trying after all have
// come: an outage may last until then.
const persistence = 15 * time.Second

// New makes callers that wait to be started.
func New(opts Options) *Load {
	return &Load{Options: opts, client: &http.Client{
		Timeout:       requestTimeout,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 4 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close gives back idle connections.
func (l *Load) Close() { l.client.CloseIdleConnections() }

// Run has all callers come, evenly over Options.Over, and returns when every
// promised job was seen to have ended. Those who have seen no end when ctx is
// done go home.
func (l *Load) Run(ctx context.Context) {
	posting, stop := context.WithTimeout(ctx, l.Over+persistence)
	defer stop()
	var callers sync.WaitGroup
	defer callers.Wait()
	tick := time.NewTicker(max(l.Over/time.Duration(max(l.Jobs, 1)), time.Millisecond))
	defer tick.Stop()
	for i := range l.Jobs {
		callers.Go(func() { l.call(ctx, posting, i) })
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// call is one caller with one request.
func (l *Load) call(ctx, posting context.Context, number int) {
	chance := rand.New(rand.NewPCG(l.Seed, uint64(number)+1000))
	r := newRequest(number, chance)
	if r.kind == witness.Keyed {
		l.repeat(ctx, posting, r, chance)
		return
	}
	p, ok := l.post(posting, r)
	if !ok {
		return
	}
	if r.kind == witness.Canceled {
		l.cancelLater(ctx, p, time.Duration(chance.IntN(3000))*time.Millisecond)
	}
	l.follow(ctx, p, chance)
}

// repeat posts one request several times at once, follows its job, and posts
// the request once more when that is over.
func (l *Load) repeat(ctx, posting context.Context, r request, chance *rand.Rand) {
	ids := make(chan *witness.Promise, 3)
	var callers sync.WaitGroup
	for range 1 + chance.IntN(3) {
		callers.Go(func() {
			if p, ok := l.post(posting, r); ok {
				ids <- p
			}
		})
	}
	callers.Wait()
	close(ids)
	followed := map[string]bool{}
	for p := range ids {
		if !followed[p.ID] {
			followed[p.ID] = true
			l.follow(ctx, p, chance)
		}
	}
	if len(followed) == 0 {
		return
	}
	if p, ok := l.post(posting, r); ok {
		l.misuse(posting, p, r)
	}
}

// misuse posts another payload with the key of a promised request, which must
// not be taken.
func (l *Load) misuse(ctx context.Context, p *witness.Promise, r request) {
	r.payload = append([]byte("another "), r.payload...)
	taken, refusal := l.try(ctx, r)
	if taken != nil || strings.HasPrefix(refusal, "4") && !strings.HasPrefix(refusal, "422") {
		l.strange(p, "another payload with the same key got "+cmp.Or(refusal, "a 202"))
	}
}

// Probe posts a quick request and gives how long it took until its result was
// there, refusals included; ok is false if it was not before ctx was done.
func (l *Load) Probe(ctx context.Context) (took time.Duration, ok bool) {
	began := time.Now()
	chance := rand.New(rand.NewPCG(l.Seed, 4))
	p, ok := l.post(ctx, request{kind: witness.Quick, path: "/api/" + OperationWork, payload: []byte("probe")})
	if ok {
		l.follow(ctx, p, chance)
	}
	return time.Since(began), ok && ctx.Err() == nil
}

// Audit asks about every promised job again, as if for the first time.
func (l *Load) Audit(ctx context.Context) {
	places := make(chan struct{}, 8)
	var callers sync.WaitGroup
	for i, p := range l.Journal.Promises() {
		places <- struct{}{}
		callers.Go(func() {
			defer func() { <-places }()
			chance := rand.New(rand.NewPCG(l.Seed, uint64(i)+1_000_000))
			l.follow(ctx, &p, chance)
		})
	}
	callers.Wait()
}

// pause waits for about d, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d/2 + rand.N(d+1)):
	}
}

func describe(response *http.Response, what string) string {
	return fmt.Sprintf("%s %s: %s", response.Request.Method, what, response.Status)
}
