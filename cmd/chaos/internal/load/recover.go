package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// often is how often impatient callers come, and closely how often they look.
const (
	often   = 200 * time.Millisecond
	closely = 50 * time.Millisecond
)

// Recovery tells how soon callers were served.
type Recovery struct {
	Accepted time.Duration // until the first request got its 202
	Ended    time.Duration // until the first result was there
	OK       bool          // it came to that
}

// Recover has callers come until the result of one is there. Each posts one
// quick request once. It returns when all have seen their jobs end or ctx is
// done.
func (l *Load) Recover(ctx context.Context) Recovery {
	began := time.Now()
	var r Recovery
	var once sync.Once
	accepted, ended := make(chan time.Time, 1), make(chan struct{})
	l.come(ctx, ended, func(at time.Time) {
		select {
		case accepted <- at:
		default:
		}
	}, func() {
		once.Do(func() {
			r.Ended, r.OK = time.Since(began), true
			close(ended)
		})
	})
	select {
	case at := <-accepted:
		r.Accepted = at.Sub(began)
	default:
		r.Accepted = time.Since(began)
	}
	return r
}

// Trickle has callers come until done is closed, so that there is something for
// a fault to happen to.
func (l *Load) Trickle(ctx context.Context, done <-chan struct{}) {
	l.come(ctx, done, func(time.Time) {}, func() {})
}

// come has one caller after another come until enough is closed, tells of every
// promise and of every result, and returns when all have gone.
func (l *Load) come(ctx context.Context, enough <-chan struct{}, accepted func(time.Time), ended func()) {
	var callers sync.WaitGroup
	defer callers.Wait()
	tick := time.NewTicker(often)
	defer tick.Stop()
	for n := 0; ; n++ {
		callers.Go(func() {
			p, refusal := l.try(ctx, request{kind: witness.Quick, path: "/api/" + OperationWork, payload: fmt.Appendf(nil, "caller %d", n)})
			if refusal != "" {
				l.Journal.Refuse(refusal)
				return
			}
			l.Journal.Accept(*p)
			accepted(p.At)
			if l.watch(ctx, p) {
				ended()
			}
		})
		select {
		case <-tick.C:
		case <-enough:
			return
		case <-ctx.Done():
			return
		}
	}
}

// watch polls without rest until the job is over.
func (l *Load) watch(ctx context.Context, p *witness.Promise) bool {
	for ctx.Err() == nil {
		if l.sight(ctx, p, byPolling) {
			return true
		}
		pause(ctx, closely)
	}
	return false
}
