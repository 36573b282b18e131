package queue

// Namespace is a set of queues. It is safe for concurrent use.
type Namespace struct{}

// NewNamespace gives an empty namespace.
func NewNamespace() *Namespace { panic("todo") }

// Create adds a queue and its dead-letter queue. It fails with [ErrExists] or [ErrInvalid].
func (n *Namespace) Create(p Properties) (*Queue, error) { panic("todo") }

// Lookup finds a queue by its path, "orders" or "orders/$DeadLetterQueue", without regard to case.
func (n *Namespace) Lookup(path string) (*Queue, bool) { panic("todo") }

// Update replaces the description of the queue named p.Name. It fails with [ErrNotFound] or [ErrInvalid].
func (n *Namespace) Update(p Properties) error { panic("todo") }

// Delete removes a queue with all its messages; its consumers get [ErrDeleted]. It fails with [ErrNotFound].
func (n *Namespace) Delete(name string) error { panic("todo") }

// List gives the queues, without their dead-letter queues, sorted by name.
func (n *Namespace) List() []*Queue { panic("todo") }

// Close deletes every queue and leaves no timer and no waiting consumer behind.
func (n *Namespace) Close() {}
