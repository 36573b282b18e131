package servicebus

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

const (
	// closeTimeout bounds the orderly closing of a connection, dropTimeout that
	// of one which is given up: who still waits for an answer over it is told.
	closeTimeout = time.Second
	dropTimeout  = 50 * time.Millisecond

	// patience is the shortest silence that tells something about a connection.
	patience = 900 * time.Millisecond

	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Second
)

// Connect makes a client. Each client has one connection; it is asked for a
// new one when the old one is beyond repair.
type Connect func() (*azservicebus.Client, error)

// attach opens a sender or a receiver and waits until the broker has accepted
// it.
type attach[E any] func(ctx context.Context, client *azservicebus.Client) (E, error)

// trunk keeps one line to the broker open, and opens another when that one is
// given up.
type trunk[E any] struct {
	connect Connect
	attach  attach[E]
	logger  *slog.Logger

	ctx    context.Context // ends at close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	closed  bool          // no more work begins
	line    *line[E]      // nil while there is none
	failure error         // why there is none; nil before the first attempt has ended
	changed chan struct{} // closed when line or failure changes
}

// line is one connection with the sender or receiver on it.
type line[E any] struct {
	end    E
	client *azservicebus.Client
	heard  atomic.Int64  // when the broker last answered, in unix nanoseconds
	mended atomic.Int32  // how often the SDK had to repair the connection
	took   time.Duration // to open it
}

func (l *line[E]) hear() { l.heard.Store(time.Now().UnixNano()) }

// silentSince reports whether the broker has said nothing since t.
func (l *line[E]) silentSince(t time.Time) bool { return l.heard.Load() < t.UnixNano() }

// dead reports whether the broker's silence since t is one that tells
// something: a broker that was slow to take the line may be slow to answer.
func (l *line[E]) dead(t time.Time) bool {
	return l.silentSince(t) && l.silentSince(time.Now().Add(-l.took))
}

func newTrunk[E any](connect Connect, attach attach[E], logger *slog.Logger) *trunk[E] {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	t := &trunk[E]{connect: connect, attach: attach, logger: logger, changed: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.work.Go(t.open)
	return t
}

// begin runs f beside the caller, unless the trunk is closed.
func (t *trunk[E]) begin(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.work.Go(f)
	}
	return !t.closed
}

// call makes a call of the SDK that is to end with ctx, and returns when ctx
// ends even if the call does not: the SDK holds locks while it talks to the
// broker, and who waits for them does not heed a context.
func call[E, T any](ctx context.Context, t *trunk[E], f func(ctx context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	begun := t.begin(func() {
		value, err := f(ctx)
		done <- outcome{value, err}
	})
	var none T
	if !begun {
		return none, errClosed
	}
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// get waits for a line. It gives up when ctx ends, and at once when the queue
// does not exist.
func (t *trunk[E]) get(ctx context.Context) (*line[E], error) {
	for {
		t.mu.Lock()
		line, failure, changed := t.line, t.failure, t.changed
		t.mu.Unlock()
		switch {
		case line != nil:
			return line, nil
		case isNotFound(failure):
			return nil, failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), failure)
		case <-t.ctx.Done():
			return nil, errClosed
		}
	}
}

// down gives why there is no line, or nil if there is one or the first attempt
// at one has not ended.
func (t *trunk[E]) down() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure
}

// failed judges a line by a call over it that began at start and ended with
// err, and drops it if it is of no more use. A caller that left, or that had
// little patience, proves nothing: ctx is the caller's.
func (t *trunk[E]) failed(ctx context.Context, l *line[E], start time.Time, err error) (dropped bool) {
	left := errors.Is(ctx.Err(), context.Canceled) || ctx.Err() != nil && time.Since(start) < patience
	switch {
	case isTimeout(err) && (left || !l.dead(start)):
		return false // this call was slow, but the connection may live
	case !isTimeout(err) && !isLost(err):
		l.hear() // a refusal is an answer
		return false
	}
	t.drop(l, err)
	return true
}

// drop gives a line up and has another one opened.
func (t *trunk[E]) drop(l *line[E], cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.line != l || t.closed {
		return
	}
	t.logger.Warn("connection to Service Bus lost, connecting again", "error", cause)
	t.line = nil
	t.setFailure(cause)
	t.work.Go(func() { closeClient(l.client, dropTimeout) })
	t.work.Go(t.open)
}

// setFailure wants t.mu held.
func (t *trunk[E]) setFailure(err error) {
	t.failure = err
	close(t.changed)
	t.changed = make(chan struct{})
}

// open tries until there is a line.
func (t *trunk[E]) open() {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		opened, err := t.reach()
		if err == nil {
			t.use(opened)
			return
		}
		t.tell(err)
		if t.ctx.Err() != nil {
			return
		}
		level := slog.LevelDebug
		if wait == firstRetry {
			level = slog.LevelWarn // once an outage
		}
		t.logger.Log(t.ctx, level, "cannot connect to Service Bus, trying again", "error", err)
		select {
		case <-time.After(wait):
		case <-t.ctx.Done():
			return
		}
	}
}

func (t *trunk[E]) use(l *line[E]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		t.work.Go(func() { closeClient(l.client, closeTimeout) })
		return
	}
	if t.failure != nil {
		t.logger.Info("connected to Service Bus again")
	}
	t.line = l
	t.setFailure(nil)
}

// close ends everything. Calls in flight fail.
func (t *trunk[E]) close(ctx context.Context) error {
	t.cancel()
	t.mu.Lock()
	l := t.line
	t.line = nil
	if l != nil && !t.closed {
		t.work.Go(func() { closeClient(l.client, closeTimeout) })
	}
	t.closed = true
	t.mu.Unlock()
	done := make(chan struct{})
	go func() {
		t.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closeClient closes a client and its connection. A receiver that is just
// handing back a message that came late waits in its Close for the broker's
// answer, for up to a minute and whatever ctx says; it does so once, so a second
// Close gets past it to the connection, which ends the waiting.
func closeClient(client *azservicebus.Client, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = client.Close(ctx) // the connection is being given up, whatever it says
	}()
	select {
	case <-closed:
	case <-ctx.Done():
		_ = client.Close(ctx)
		<-closed
	}
}
