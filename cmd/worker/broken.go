//go:build failpoints

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// brokenVariable says in which way the worker is broken on purpose: who checks
// the services must find out.
const brokenVariable = "BROKEN"

func broken(how string, opts *worker.Options) error {
	switch how {
	case "":
	case "completes-first":
		opts.Queue = completesFirst{opts.Queue}
	case "overwrites":
		opts.Records = overwrites{opts.Records}
	default:
		return fmt.Errorf("%s: %q is no way to be broken", brokenVariable, how)
	}
	return nil
}

// completesFirst takes messages out of the queue before their jobs are done.
type completesFirst struct{ worker.Queue }

func (q completesFirst) Receive(ctx context.Context, limit int) ([]*job.Delivery, error) {
	deliveries, err := q.Queue.Receive(ctx, limit)
	for _, d := range deliveries {
		_ = q.Queue.Complete(ctx, d)
	}
	return deliveries, err
}

func (completesFirst) Renew(_ context.Context, d *job.Delivery) error {
	d.LockedUntil = time.Now().Add(time.Minute)
	return nil
}

func (completesFirst) Complete(context.Context, *job.Delivery) error { return nil }
func (completesFirst) Abandon(context.Context, *job.Delivery) error  { return nil }
func (completesFirst) DeadLetter(context.Context, *job.Delivery, string, string) error {
	return nil
}

// overwrites does every job anew and writes its record over whatever is there.
type overwrites struct{ worker.Records }

func (o overwrites) Get(ctx context.Context, id job.ID) (job.Record, error) {
	r, err := o.Records.Get(ctx, id)
	if err == nil && r.Status.Terminal() {
		return job.Record{}, job.ErrNotFound
	}
	return r, err
}

func (o overwrites) Insert(ctx context.Context, r *job.Record) error {
	err := o.Records.Insert(ctx, r)
	if errors.Is(err, job.ErrExists) {
		return o.Update(ctx, r)
	}
	return err
}

func (o overwrites) Update(ctx context.Context, r *job.Record) error {
	for {
		stored, err := o.Records.Get(ctx, r.ID)
		if err != nil {
			return err
		}
		r.Version = stored.Version
		if err := o.Records.Update(ctx, r); !errors.Is(err, job.ErrConflict) {
			return err
		}
	}
}

// Lookup finds nothing, so that every job looks new.
func (o overwrites) Lookup(context.Context, []job.ID) ([]job.Record, error) {
	return nil, errors.New("not read together")
}
