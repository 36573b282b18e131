// Package gather puts together what goes to one place while a request to that
// place is under way. Nobody waits for company: at rest each item goes at once
// and by itself, and under load requests become fewer and larger.
package gather

import (
	"cmp"
	"sync"
	"time"
)

// Defaults of what [Options] leaves out.
const (
	DefaultPatience = 250 * time.Millisecond
	DefaultUnderWay = 4
)

// Options say how items travel. Do may not be left out.
type Options[T any] struct {
	// Do makes the request for some items, at least one, and returns when it
	// is answered. It tells whoever waits for the items.
	Do func(items []T)
	// Fit gives how many of the waiting items, from the first on, may go
	// together: at least one. nil means all.
	Fit func(waiting []T) int
	// Patience is how long items wait for a request that is not answered.
	// Then they go beside it, lest one that hangs hold up all that come after.
	// [DefaultPatience] if zero.
	Patience time.Duration
	// UnderWay bounds the requests to one place, [DefaultUnderWay] if zero.
	UnderWay int
}

// Group sends items to places that are named by a K. It is safe for concurrent
// use.
type Group[K comparable, T any] struct {
	opts Options[T]

	mu     sync.Mutex
	places map[K]*place[T]
}

// place is where something is under way to.
type place[T any] struct {
	underWay int
	waiting  []T
	overdue  *time.Timer // set while something waits
}

// New makes a group.
func New[K comparable, T any](opts Options[T]) *Group[K, T] {
	opts.Patience = cmp.Or(opts.Patience, DefaultPatience)
	opts.UnderWay = cmp.Or(opts.UnderWay, DefaultUnderWay)
	if opts.Fit == nil {
		opts.Fit = func(waiting []T) int { return len(waiting) }
	}
	return &Group[K, T]{opts: opts, places: map[K]*place[T]{}}
}

// Add sends an item. If nothing is under way to its place it goes by itself,
// and Add returns when it is answered. Otherwise Add returns at once, and the
// item goes with those that gather.
func (g *Group[K, T]) Add(key K, item T) {
	if g.waits(key, item) {
		return
	}
	g.opts.Do([]T{item})
	if next := g.next(key); next != nil {
		go g.run(key, next)
	}
}

// Waiting gives how many items wait to go to a place.
func (g *Group[K, T]) Waiting(key K) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p, ok := g.places[key]; ok {
		return len(p.waiting)
	}
	return 0
}

// run makes one request after the other for as long as items gather.
func (g *Group[K, T]) run(key K, items []T) {
	for items != nil {
		g.opts.Do(items)
		items = g.next(key)
	}
}

// waits reports whether item waits for what is under way to its place. If
// nothing is, then item is now.
func (g *Group[K, T]) waits(key K, item T) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	p, ok := g.places[key]
	if !ok {
		g.places[key] = &place[T]{underWay: 1}
		return false
	}
	p.waiting = append(p.waiting, item)
	if len(p.waiting) == 1 {
		g.watch(key, p)
	}
	return true
}

// next gives what goes when a request was answered, or nil.
func (g *Group[K, T]) next(key K) []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.places[key]
	p.underWay--
	if len(p.waiting) > 0 {
		return g.take(key, p)
	}
	if p.underWay == 0 {
		delete(g.places, key)
	}
	return nil
}

// take puts the first of the waiting items under way. It wants g.mu held.
func (g *Group[K, T]) take(key K, p *place[T]) []T {
	n := min(max(g.opts.Fit(p.waiting), 1), len(p.waiting))
	items := p.waiting[:n:n]
	p.waiting = p.waiting[n:]
	p.underWay++
	p.overdue.Stop()
	if len(p.waiting) > 0 {
		g.watch(key, p)
	}
	return items
}

// watch has the waiting items not wait for too long. It wants g.mu held.
func (g *Group[K, T]) watch(key K, p *place[T]) {
	p.overdue = time.AfterFunc(g.opts.Patience, func() {
		if items := g.overdue(key, p); items != nil {
			g.run(key, items)
		}
	})
}

// overdue gives what goes although a request is not answered, or nil.
func (g *Group[K, T]) overdue(key K, p *place[T]) []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(p.waiting) == 0 || p.underWay >= g.opts.UnderWay {
		return nil
	}
	return g.take(key, p)
}
