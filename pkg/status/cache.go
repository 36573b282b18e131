package status

import (
	"context"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const (
	// pendingFor is how long a record that may still change stands for polls.
	pendingFor = time.Second
	// failedFor is how long a failed record stands, which an operator may have
	// put back to be tried again. The other terminal ones stand for good.
	failedFor = 10 * time.Second
	// unknownFor is how long it stands that a foreign id has no record.
	unknownFor = 5 * time.Second
	// readTimeout bounds a read, which no single caller's context bounds.
	readTimeout = 10 * time.Second
	// maxKeptDetail is the largest failure detail that is kept, in bytes.
	maxKeptDetail = 4 << 10
)

// reading is what one look at the store found.
type reading struct {
	record job.Record
	found  bool
	at     time.Time // when the look began
}

// cache stands between callers and the store of records. What is not genuine
// has a room of its own, so that made-up ids push out nobody else's record.
type cache struct {
	records Records
	now     func() time.Time
	final   *lru.Cache[job.ID, reading] // terminal records
	recent  *lru.Cache[job.ID, reading] // pending records, and genuine ids without one
	unknown *lru.Cache[job.ID, reading] // foreign ids without a record
	flights singleflight.Group
}

func newCache(records Records, size int) (*cache, error) {
	c := &cache{records: records, now: time.Now}
	for _, room := range []**lru.Cache[job.ID, reading]{&c.final, &c.recent, &c.unknown} {
		var err error
		if *room, err = lru.New[job.ID, reading](size); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// get gives what the store held at most maxAge ago. Callers that ask for the
// same id at the same time share one read; one that gives up does not end it.
func (c *cache) get(ctx context.Context, id job.ID, genuine bool, maxAge time.Duration) (reading, error) {
	if r, ok := c.kept(id, genuine, maxAge); ok {
		return r, nil
	}
	return c.share(ctx, id, genuine, maxAge)
}

// share has the store read, once for all who ask at the same time.
func (c *cache) share(ctx context.Context, id job.ID, genuine bool, maxAge time.Duration) (reading, error) {
	flight := c.flights.DoChan(string(id[:]), func() (any, error) {
		if r, ok := c.kept(id, genuine, maxAge); ok {
			return r, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		return c.read(ctx, id, genuine)
	})
	select {
	case <-ctx.Done():
		return reading{}, ctx.Err()
	case landed := <-flight:
		if landed.Err != nil {
			return reading{}, landed.Err
		}
		return landed.Val.(reading), nil
	}
}

// kept looks into the rooms. That an id is unknown counts only for those to
// whom it is foreign: nobody else's polls keep its owner waiting.
func (c *cache) kept(id job.ID, genuine bool, maxAge time.Duration) (reading, bool) {
	if r, ok := c.final.Get(id); ok && (r.record.Status != job.StatusFailed || c.now().Sub(r.at) < failedFor) {
		return r, true
	}
	if r, ok := c.recent.Get(id); ok && c.now().Sub(r.at) < maxAge {
		return r, true
	}
	if r, ok := c.unknown.Get(id); ok && !genuine && c.now().Sub(r.at) < unknownFor {
		return r, true
	}
	return reading{}, false
}

func (c *cache) read(ctx context.Context, id job.ID, genuine bool) (reading, error) {
	r := reading{at: c.now()}
	record, err := c.records.Get(ctx, id)
	switch {
	case err == nil:
		r.record, r.found = record, true
	case !errors.Is(err, job.ErrNotFound):
		return reading{}, err
	}
	c.put(id, genuine, r)
	return r, nil
}

// put keeps r, unless that would cost too much memory.
func (c *cache) put(id job.ID, genuine bool, r reading) {
	if f := r.record.Failure; f != nil && len(f.Detail) > maxKeptDetail {
		return
	}
	switch {
	case r.found && r.record.Status.Terminal():
		c.final.Add(id, r)
		c.recent.Remove(id)
	case r.found || genuine:
		c.recent.Add(id, r)
	default:
		c.unknown.Add(id, r)
	}
}

// written keeps a record that this process wrote itself.
func (c *cache) written(r job.Record) {
	c.put(r.ID, true, reading{record: r, found: true, at: c.now()})
}
