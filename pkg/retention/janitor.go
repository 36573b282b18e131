// Package retention forgets jobs when their time is over: whole days of records
// and blobs at a time, and idempotency keys that have expired. A [Janitor] does
// so now and then. One at a time is enough; several do no harm, since what one
// has dropped the others do not find.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// margin is how much longer than promised things are kept, so that nobody whose
// clock is behind misses them.
const margin = time.Hour

// DefaultInterval is how long a [Janitor] rests between two rounds.
const DefaultInterval = time.Hour

// Records are the jobs' records, in days as [job.ID.Day] names them.
type Records interface {
	Days(ctx context.Context) ([]string, error)
	DropDay(ctx context.Context, day string) error
	// DropForeign drops those of [job.ForeignDay] that were written last
	// before the given time.
	DropForeign(ctx context.Context, before time.Time) (int, error)
}

// Blobs are payloads or results, whose names begin with their day.
type Blobs interface {
	Days(ctx context.Context) ([]string, error)
	DeletePrefix(ctx context.Context, prefix string) (int, error)
	DeleteOlder(ctx context.Context, prefix string, before time.Time) (int, error)
}

// Keys are the idempotency keys.
type Keys interface {
	DropExpired(ctx context.Context, before time.Time) (int, error)
}

// Options are the settings of [New]. All but the last three are needed.
type Options struct {
	Records   Records
	Payloads  Blobs
	Results   Blobs
	Keys      Keys
	Retention time.Duration // how long jobs are known, from the time in their ids on

	Interval time.Duration    // between two rounds, default [DefaultInterval]
	Now      func() time.Time // default [time.Now]
	Logger   *slog.Logger     // is told what was dropped; nil: nobody is
}

// Janitor drops what is past its retention.
type Janitor struct{ options Options }

// New makes a Janitor.
func New(opts *Options) (*Janitor, error) {
	o := *opts
	if o.Records == nil || o.Payloads == nil || o.Results == nil || o.Keys == nil || o.Retention <= 0 {
		return nil, errors.New("retention: Records, Payloads, Results, Keys and a Retention above zero are needed")
	}
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Janitor{options: o}, nil
}

// Run makes one round after another until ctx is done. What fails is tried
// again in the next round. Rounds begin at random within the interval, so that
// janitors that were started together take turns.
func (j *Janitor) Run(ctx context.Context) {
	for wait := rand.N(j.options.Interval); ; wait = j.options.Interval/2 + rand.N(j.options.Interval) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err := j.Round(ctx); err != nil && ctx.Err() == nil {
			j.options.Logger.Warn("dropping what is past its retention failed; trying again later", "error", err)
		}
	}
}

// Round drops everything that is past its retention now.
func (j *Janitor) Round(ctx context.Context) error {
	cutoff := j.options.Now().Add(-j.options.Retention - margin)
	days, err := j.days(ctx)
	for _, day := range days {
		if expired(day, cutoff) {
			err = errors.Join(err, j.dropDay(ctx, day))
		}
	}
	return errors.Join(err, j.dropForeign(ctx, cutoff), j.dropKeys(ctx))
}

// days gives every day of which there is something, the oldest first.
func (j *Janitor) days(ctx context.Context) ([]string, error) {
	all := map[string]struct{}{}
	var failures []error
	for name, list := range map[string]func(context.Context) ([]string, error){
		"records": j.options.Records.Days, "payloads": j.options.Payloads.Days, "results": j.options.Results.Days,
	} {
		days, err := list(ctx)
		if err != nil && !errors.Is(err, job.ErrNotFound) { // no container yet
			failures = append(failures, fmt.Errorf("list days of %s: %w", name, err))
		}
		for _, day := range days {
			all[day] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all)), errors.Join(failures...)
}

// expired reports whether the whole day lies before the cutoff. The foreign day
// is none.
func expired(day string, cutoff time.Time) bool {
	begin, err := job.ParseDay(day)
	return err == nil && !begin.AddDate(0, 0, 1).After(cutoff)
}

func (j *Janitor) dropDay(ctx context.Context, day string) error {
	err := j.options.Records.DropDay(ctx, day)
	payloads, payloadsErr := j.options.Payloads.DeletePrefix(ctx, day+"/")
	results, resultsErr := j.options.Results.DeletePrefix(ctx, day+"/")
	if err = errors.Join(err, missing(payloadsErr), missing(resultsErr)); err != nil {
		return fmt.Errorf("drop day %s: %w", day, err)
	}
	j.options.Logger.Info("dropped a day past its retention", "day", day, "payloads", payloads, "results", results)
	return nil
}

// dropForeign drops what belongs to jobs whose ids carry no time.
func (j *Janitor) dropForeign(ctx context.Context, cutoff time.Time) error {
	records, err := j.options.Records.DropForeign(ctx, cutoff)
	payloads, payloadsErr := j.options.Payloads.DeleteOlder(ctx, job.ForeignDay+"/", cutoff)
	results, resultsErr := j.options.Results.DeleteOlder(ctx, job.ForeignDay+"/", cutoff)
	if records+payloads+results > 0 {
		j.options.Logger.Info("dropped jobs of other programs past their retention", "records", records, "payloads", payloads, "results", results)
	}
	return errors.Join(err, missing(payloadsErr), missing(resultsErr))
}

func (j *Janitor) dropKeys(ctx context.Context) error {
	n, err := j.options.Keys.DropExpired(ctx, j.options.Now().Add(-margin))
	if n > 0 {
		j.options.Logger.Info("dropped expired idempotency keys", "keys", n)
	}
	return err
}

// missing forgives that there is nothing to delete from.
func missing(err error) error {
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	return err
}
