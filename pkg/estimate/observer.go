package estimate

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"
)

// DefaultInterval is the time between two reports of an [Observer], and between
// two looks of an [Estimator] at all reports.
const DefaultInterval = 5 * time.Second

// Options are the settings of an [Observer] or an [Estimator]. Store is needed.
type Options struct {
	Store    Store
	Interval time.Duration    // default [DefaultInterval]
	Now      func() time.Time // of all processes about the same; default [time.Now]
	Logger   *slog.Logger     // is told when the store fails; nil: nobody is
}

func (o *Options) complete() (Options, error) {
	if o == nil || o.Store == nil {
		return Options{}, errors.New("estimate: Options.Store is missing")
	}
	complete := *o
	if complete.Interval <= 0 {
		complete.Interval = DefaultInterval
	}
	if complete.Now == nil {
		complete.Now = time.Now
	}
	if complete.Logger == nil {
		complete.Logger = slog.New(slog.DiscardHandler)
	}
	return complete, nil
}

// storeTimeout bounds a call of the store.
const storeTimeout = 5 * time.Second

const (
	lastWaits = 16 // that many requests tell how long the queue is

	// Weights are those of the time since and grow from there on; when they have
	// grown too much for a float64 to add up, all are scaled back.
	maxGrowth   = 1 << 20
	leastOfKind = 1e-9 // an operation whose weight is below is forgotten
)

// Observer is told how long jobs of a worker wait and take, and reports it. It
// is safe for concurrent use.
type Observer struct {
	options Options
	name    string
	trouble trouble
	news    chan struct{} // holds one when there is something to report

	reported, swept time.Time // by Run, when last

	mu         sync.Mutex
	since      time.Time
	operations map[string]*histogram
	waits      []time.Duration // the latest, in a ring
	nextWait   int
	waitedAt   time.Time
}

// NewObserver makes an Observer. It makes no request.
func NewObserver(opts *Options) (*Observer, error) {
	o, err := opts.complete()
	if err != nil {
		return nil, err
	}
	return &Observer{
		options: o, name: rand.Text(), trouble: trouble{log: o.Logger, what: "reporting how long jobs take"},
		news: make(chan struct{}, 1), since: o.Now(), operations: map[string]*histogram{},
	}, nil
}

// Received takes in how long a request waited in the queue.
func (o *Observer) Received(_ string, waited time.Duration) {
	o.mu.Lock()
	if len(o.waits) < lastWaits {
		o.waits = append(o.waits, waited)
	} else {
		o.waits[o.nextWait] = waited
	}
	o.nextWait = (o.nextWait + 1) % lastWaits
	o.waitedAt = o.options.Now()
	o.mu.Unlock()
	o.tell()
}

// Ended takes in how long a job took since its first attempt began.
func (o *Observer) Ended(operation string, took time.Duration) {
	o.mu.Lock()
	h := o.operations[operation]
	if h == nil {
		h = &histogram{}
		o.operations[operation] = h
	}
	h.add(took, o.growth(o.options.Now()))
	o.mu.Unlock()
	o.tell()
}

func (o *Observer) tell() {
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// growth gives the weight of what is seen now, when 1 was that of what was seen
// at o.since. The caller holds the lock.
func (o *Observer) growth(now time.Time) float64 {
	growth := math.Exp2(float64(now.Sub(o.since)) / float64(halfLife))
	if growth <= maxGrowth {
		return growth
	}
	for name, h := range o.operations {
		h.scale(1 / growth)
		if h.weight() < leastOfKind {
			delete(o.operations, name)
		}
	}
	o.since = now
	return 1
}

// report says what was seen.
func (o *Observer) report(now time.Time) *report {
	o.mu.Lock()
	defer o.mu.Unlock()
	growth := o.growth(now)
	r := &report{At: now, WaitedAt: o.waitedAt, Operations: map[string][]point{}}
	for name, h := range o.operations {
		scaled := *h
		scaled.scale(1 / growth)
		r.Operations[name] = points(&scaled)
	}
	if len(o.waits) > 0 {
		sorted := slices.Sorted(slices.Values(o.waits))
		r.Waited = rounded(float64(sorted[len(sorted)/2]) / float64(time.Millisecond))
	}
	return r
}

// Run reports until ctx is done, and then for the last time. As long as nothing
// is seen it does nothing.
func (o *Observer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-o.news:
			o.tell() // it is still to be told
			pause(ctx, jitter(max(o.options.Interval/10, o.options.Interval-time.Since(o.reported))))
			o.publishNews(ctx)
		}
	}
	o.publishNews(ctx)
}

// publishNews writes a report if there is something new to say.
func (o *Observer) publishNews(ctx context.Context) {
	select {
	case <-o.news:
		o.publish(context.WithoutCancel(ctx))
	default:
	}
}

// publish writes the report and, when that is due, deletes those that nobody
// heeds any more.
func (o *Observer) publish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	o.reported = time.Now()
	now := o.options.Now()
	text, err := o.report(now).encode()
	if err == nil {
		err = o.options.Store.Put(ctx, o.name, text, now)
	}
	if err != nil {
		o.tell()
	} else if time.Since(o.swept) > expiry {
		if _, err = o.options.Store.DropBefore(ctx, now.Add(-expiry)); err == nil {
			o.swept = time.Now()
		}
	}
	o.trouble.note(err)
}

// jitter keeps processes that started together from calling together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + mathrand.Float64()/2))
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
