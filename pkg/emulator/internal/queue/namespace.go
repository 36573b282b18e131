package queue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

const deadLetterSuffix = "$DeadLetterQueue"

// Namespace is a set of queues. It is safe for concurrent use.
type Namespace struct {
	mu       sync.RWMutex
	entities map[string]*entity // by name in lower case
	closed   bool
}

// NewNamespace gives an empty namespace.
func NewNamespace() *Namespace { return &Namespace{entities: make(map[string]*entity)} }

// Create adds a queue and its dead-letter queue. It fails with [ErrExists], [ErrInvalid], or [ErrDeleted] after Close.
func (n *Namespace) Create(p Properties) (*Queue, error) {
	p = p.withDefaults()
	if err := p.validate(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	key := strings.ToLower(p.Name)
	if n.closed {
		return nil, ErrDeleted
	}
	if _, ok := n.entities[key]; ok {
		return nil, fmt.Errorf("queue %s: %w", p.Name, ErrExists)
	}
	e := newEntity(p, time.Now())
	n.entities[key] = e
	return e.main, nil
}

// Lookup finds a queue by its path, "orders" or "orders/$DeadLetterQueue", without regard to case.
func (n *Namespace) Lookup(path string) (*Queue, bool) {
	name, dead := cutSuffixFold(path, "/"+deadLetterSuffix)
	e := n.find(name)
	switch {
	case e == nil:
		return nil, false
	case dead:
		return e.dead, true
	}
	return e.main, true
}

// Update replaces the description of the queue named p.Name. It fails with [ErrNotFound] or [ErrInvalid].
func (n *Namespace) Update(p Properties) error {
	p = p.withDefaults()
	if err := p.validate(); err != nil {
		return err
	}
	e := n.find(p.Name)
	if e == nil {
		return fmt.Errorf("queue %s: %w", p.Name, ErrNotFound)
	}
	return e.update(p)
}

// Delete removes a queue with all its messages; its consumers get [ErrDeleted]. It fails with [ErrNotFound].
func (n *Namespace) Delete(name string) error {
	n.mu.Lock()
	key := strings.ToLower(name)
	e := n.entities[key]
	delete(n.entities, key)
	n.mu.Unlock()
	if e == nil {
		return fmt.Errorf("queue %s: %w", name, ErrNotFound)
	}
	e.delete()
	return nil
}

// List gives the queues, without their dead-letter queues, sorted by name.
func (n *Namespace) List() []*Queue {
	n.mu.RLock()
	defer n.mu.RUnlock()
	queues := make([]*Queue, 0, len(n.entities))
	for _, key := range slices.Sorted(maps.Keys(n.entities)) {
		queues = append(queues, n.entities[key].main)
	}
	return queues
}

// Close deletes every queue and leaves no timer and no waiting consumer behind.
func (n *Namespace) Close() {
	n.mu.Lock()
	entities := n.entities
	n.entities, n.closed = make(map[string]*entity), true
	n.mu.Unlock()
	for _, e := range entities {
		e.delete()
	}
}

func (n *Namespace) find(name string) *entity {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.entities[strings.ToLower(name)]
}

func cutSuffixFold(s, suffix string) (string, bool) {
	at := len(s) - len(suffix)
	if at < 0 || !strings.EqualFold(s[at:], suffix) {
		return s, false
	}
	return s[:at], true
}
