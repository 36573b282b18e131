package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// Defaults of [Options].
const (
	DefaultRetention   = 7 * 24 * time.Hour
	DefaultQueueMargin = 30 * time.Minute
	DefaultMaxWait     = time.Minute
	DefaultMaxWaiters  = 10000
	DefaultHeartbeat   = 15 * time.Second
	DefaultCacheSize   = 16384
)

// Records is the store of job records.
type Records interface {
	// Get gives the record of id, or [job.ErrNotFound].
	Get(ctx context.Context, id job.ID) (job.Record, error)
	// Insert adds a record and sets its Version, or gives [job.ErrExists].
	Insert(ctx context.Context, r *job.Record) error
	// Update replaces the stored record if its version is r.Version, which it
	// sets to the new one; else it gives [job.ErrConflict].
	Update(ctx context.Context, r *job.Record) error
}

// Signer makes valet keys.
type Signer interface {
	// URL gives a link to the result of that name which anybody may read until
	// it expires. It is served with the content type and file name of p.
	URL(ctx context.Context, name string, p job.BlobProperties) (link string, expires time.Time, err error)
}

// Results is the store of results.
type Results interface {
	// Open reads count bytes from offset on, or to the end where count is 0.
	Open(ctx context.Context, name string, offset, count int64) (io.ReadCloser, job.BlobInfo, error)
}

// Options are the settings of [New]. BaseURL, Keys, Records, Signer and
// Results are needed, the rest has defaults.
type Options struct {
	BaseURL string       // public and absolute; what links in answers begin with
	Keys    *job.KeyRing // tells genuine ids
	Records Records
	Signer  Signer
	Results Results

	// Owner names the authenticated caller of a request; its error is the
	// answer. Nil: callers are not told apart.
	Owner func(c echo.Context) (string, error)

	// Estimate says after what time a pending job is worth asking about again,
	// given its record and its age, or false if it does not know. A queued job's
	// record has neither Status nor Operation. What it gives is clamped to 1 to
	// 60 s. Nil, or false: a quarter of the age, or the time until the next
	// attempt.
	Estimate func(r job.Record, age time.Duration) (time.Duration, bool)

	Limiter *web.Limiter // how often a caller may ask; nil: as often as it likes

	Retention    time.Duration // how long jobs are known, by their ids; default [DefaultRetention]
	QueueTimeout time.Duration // longest of any operation, default [operation.DefaultQueueTimeout]
	QueueMargin  time.Duration // for clocks and dead-lettering on top of it, default [DefaultQueueMargin]
	MaxWait      time.Duration // longest wait for a pending job, default [DefaultMaxWait]
	MaxWaiters   int           // waits and event streams at a time, default [DefaultMaxWaiters]
	Heartbeat    time.Duration // between comments in an idle event stream, default [DefaultHeartbeat]
	CacheSize    int           // records kept in memory, default [DefaultCacheSize]
}

func (o Options) withDefaults() Options {
	if o.Owner == nil {
		o.Owner = func(echo.Context) (string, error) { return "", nil }
	}
	if o.Estimate == nil {
		o.Estimate = func(job.Record, time.Duration) (time.Duration, bool) { return 0, false }
	}
	o.Retention = orDefault(o.Retention, DefaultRetention)
	o.QueueTimeout = orDefault(o.QueueTimeout, operation.DefaultQueueTimeout)
	o.QueueMargin = orDefault(o.QueueMargin, DefaultQueueMargin)
	o.MaxWait = orDefault(o.MaxWait, DefaultMaxWait)
	o.MaxWaiters = orDefault(o.MaxWaiters, DefaultMaxWaiters)
	o.Heartbeat = orDefault(o.Heartbeat, DefaultHeartbeat)
	o.CacheSize = orDefault(o.CacheSize, DefaultCacheSize)
	return o
}

func orDefault[T int | time.Duration](value, byDefault T) T {
	if value <= 0 {
		return byDefault
	}
	return value
}

func (o Options) check() error {
	switch {
	case o.Keys == nil:
		return errors.New("status: Options.Keys is nil")
	case o.Records == nil:
		return errors.New("status: Options.Records is nil")
	case o.Signer == nil:
		return errors.New("status: Options.Signer is nil")
	case o.Results == nil:
		return errors.New("status: Options.Results is nil")
	case o.Retention <= o.QueueTimeout:
		return fmt.Errorf("status: a retention of %s is not longer than the longest queue timeout, %s: jobs would be forgotten before they run",
			o.Retention, o.QueueTimeout)
	}
	return nil
}
