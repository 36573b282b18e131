package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// Defaults of what [Options] leaves out.
const (
	DefaultConcurrency  = 16
	DefaultSoftStop     = 30 * time.Second
	DefaultHandlerGrace = 10 * time.Second
	DefaultHeartbeat    = 4 * time.Second // so that a cancel is seen within 5 s
	DefaultSweep        = 5 * time.Second
	DefaultRetention    = 7 * 24 * time.Hour
)

// Receiver receives messages under peek-lock.
type Receiver interface {
	// Receive gives at least one message and at most max. It waits for them
	// and fails only when ctx is done or there is nothing left to receive from.
	Receive(ctx context.Context, max int) ([]*job.Delivery, error)
	// Renew prolongs the lock and moves d.LockedUntil. A lock that is gone
	// gives [job.ErrLockLost].
	Renew(ctx context.Context, d *job.Delivery) error
}

// Settler settles messages. A lock that is gone gives [job.ErrLockLost].
type Settler interface {
	Complete(ctx context.Context, d *job.Delivery) error
	Abandon(ctx context.Context, d *job.Delivery) error
	DeadLetter(ctx context.Context, d *job.Delivery, reason, description string) error
}

// Queue is where the jobs' messages come from.
type Queue interface {
	Receiver
	Settler
}

// Scheduler sends a message that becomes visible later.
type Scheduler interface {
	Schedule(ctx context.Context, m *job.Message, at time.Time) error
}

// Peeker looks at messages without locking them.
type Peeker interface {
	// Peek gives up to max messages in the order of their sequence numbers,
	// from the given one on; none at the end of the queue.
	Peek(ctx context.Context, from int64, max int) ([]*job.Delivery, error)
}

// Records holds what is known of the jobs. Its errors are those of package
// job: [job.ErrNotFound], [job.ErrExists], [job.ErrConflict].
type Records interface {
	Get(ctx context.Context, id job.ID) (job.Record, error)
	Insert(ctx context.Context, r *job.Record) error
	Update(ctx context.Context, r *job.Record) error
}

// BatchReader reads the records of jobs of one day and shard in one go, and
// leaves out those that have none. A [Records] that is one is asked so for the
// jobs whose messages come together.
type BatchReader interface {
	Lookup(ctx context.Context, ids []job.ID) ([]job.Record, error)
}

// AbsenceKeeper remembers for a moment which jobs it found no records of. A
// [Records] that is one spares first deliveries a read.
type AbsenceKeeper interface {
	// Absent reports whether a job is known to have had no record at most
	// maxAge ago. It makes no request; false says nothing.
	Absent(id job.ID, maxAge time.Duration) bool
}

// Payloads holds claim-checked payloads.
type Payloads interface {
	// Open gives count bytes from offset on; a count of 0 means to the end.
	Open(ctx context.Context, name string, offset, count int64) (io.ReadCloser, job.BlobInfo, error)
	Delete(ctx context.Context, name string) error
}

// Results takes the results.
type Results interface {
	Put(ctx context.Context, name string, content io.Reader, p job.BlobProperties) error
	Delete(ctx context.Context, name string) error
}

// Options is what a [Worker] works with. What has a default may be left zero;
// Queue, Scheduler, Records, Payloads, Results, Operations and Handlers may not.
type Options struct {
	Queue       Queue
	Scheduler   Scheduler
	DeadLetters Peeker // the dead-letter queue; nil: nobody reads it here
	Records     Records
	Payloads    Payloads
	Results     Results

	Operations *operation.Set
	Handlers   *Mux // one handler for each operation, under the operation's name

	Observer Observer // is told how long jobs wait and take; nil: nobody is

	Concurrency  int           // jobs at a time, those apart whose handlers have returned and whose ends are being written, of which there may be as many or 64; default [DefaultConcurrency]
	SoftStop     time.Duration // how long handlers may go on after a stop; default [DefaultSoftStop]; negative: not at all
	HandlerGrace time.Duration // how long a handler may take to return when its context has ended; default [DefaultHandlerGrace]
	Heartbeat    time.Duration // longest time between two writes to a running job's record; default [DefaultHeartbeat]
	Sweep        time.Duration // shortest time between two looks through the dead-letter queue; default [DefaultSweep]
	Retention    time.Duration // dead letters of jobs older than this are left alone; default [DefaultRetention]
	Logger       *slog.Logger  // default: none

	// Now tells the time as queue and storage have it, by which locks end and
	// retries are due: this machine's clock may be wrong. Default: it is not.
	Now func() time.Time
}

// complete checks o and gives it with its defaults.
func (o Options) complete() (Options, error) {
	o.Concurrency = cmp.Or(o.Concurrency, DefaultConcurrency)
	o.SoftStop = max(0, cmp.Or(o.SoftStop, DefaultSoftStop))
	o.HandlerGrace = cmp.Or(o.HandlerGrace, DefaultHandlerGrace)
	o.Heartbeat = cmp.Or(o.Heartbeat, DefaultHeartbeat)
	o.Sweep = cmp.Or(o.Sweep, DefaultSweep)
	o.Retention = cmp.Or(o.Retention, DefaultRetention)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	return o, o.check()
}

func (o Options) check() error {
	for name, missing := range map[string]bool{
		"Queue": o.Queue == nil, "Scheduler": o.Scheduler == nil, "Records": o.Records == nil,
		"Payloads": o.Payloads == nil, "Results": o.Results == nil,
		"Operations": o.Operations == nil, "Handlers": o.Handlers == nil,
	} {
		if missing {
			return fmt.Errorf("worker: Options.%s is missing", name)
		}
	}
	if o.Concurrency < 0 {
		return errors.New("worker: Options.Concurrency is negative")
	}
	for _, name := range o.Operations.Names() {
		if _, ok := o.Handlers.Lookup(name); !ok {
			return fmt.Errorf("worker: operation %s has no handler", name)
		}
	}
	return nil
}
