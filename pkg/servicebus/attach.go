package servicebus

import (
	"context"
	"time"
)

const (
	// attachTimeout is how long an attempt to make a connection and attach to
	// the queue may take before another is made beside it: the first may have got
	// lost. Each further one has to wait twice as long.
	attachTimeout = 4 * time.Second
	// attachPatience bounds all these attempts. Attaching takes some twenty round
	// trips, so a broker that answers slowly needs it.
	attachPatience = 30 * time.Second
)

// attempt is how an attempt to open a line has ended.
type attempt[E any] struct {
	line *line[E]
	err  error
}

// reach opens a line: the one of the first attempt that succeeds.
func (t *trunk[E]) reach() (*line[E], error) {
	ctx, cancel := context.WithTimeout(t.ctx, attachPatience)
	defer cancel()
	ended := make(chan attempt[E])
	wait, running := attachTimeout, 1
	t.work.Go(func() { t.attempt(ctx, ended) })
	for {
		select {
		case a := <-ended:
			running--
			if a.err == nil || running == 0 {
				return a.line, a.err
			}
		case <-time.After(wait):
			t.tell(context.DeadlineExceeded)
			wait *= 2
			running++
			t.work.Go(func() { t.attempt(ctx, ended) })
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// attempt makes one attempt and says how it ended, or gives the line back if
// another was first.
func (t *trunk[E]) attempt(ctx context.Context, ended chan<- attempt[E]) {
	line, err := t.dial(ctx)
	select {
	case ended <- attempt[E]{line, err}:
	case <-ctx.Done():
		if line != nil {
			closeClient(line.client, dropTimeout)
		}
	}
}

func (t *trunk[E]) dial(ctx context.Context) (*line[E], error) {
	began := time.Now()
	client, err := t.connect()
	if err != nil {
		return nil, err
	}
	end, err := t.attach(ctx, client)
	if err != nil {
		t.work.Go(func() { closeClient(client, dropTimeout) })
		return nil, err
	}
	l := &line[E]{end: end, client: client, took: time.Since(began)}
	l.hear()
	return l, nil
}

// tell has those who want to send know why there is no line yet.
func (t *trunk[E]) tell(failure error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setFailure(failure)
}
