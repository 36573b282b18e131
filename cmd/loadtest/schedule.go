package main

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// ticket is the leave to start one request.
type ticket struct {
	number  int64     // of all requests, from 0
	due     time.Time // what its latency counts from
	counted bool      // false while warming up
}

// schedule says when callers start requests. next waits for the caller's next
// turn and reports false when there is none.
type schedule interface {
	next(ctx context.Context, caller int) (ticket, bool)
}

// span is when a run begins, counts and ends.
type span struct {
	begin, counting, end time.Time
}

func (o *options) span(begin time.Time) span {
	counting := begin.Add(o.warmup)
	return span{begin, counting, counting.Add(o.duration)}
}

// closedLoop lets every caller go on as soon as it has its answer.
type closedLoop struct {
	span
	callers int
	ramp    time.Duration
	limit   int64  // of counted requests; 0: none
	spent   func() // is called with the last of them

	started, counted atomic.Int64
}

func (c *closedLoop) next(ctx context.Context, caller int) (ticket, bool) {
	now := time.Now()
	if c.ramp > 0 {
		if first := c.begin.Add(c.ramp * time.Duration(caller) / time.Duration(c.callers)); now.Before(first) {
			if !sleep(ctx, min(first.Sub(now), c.end.Sub(now))) {
				return ticket{}, false
			}
			now = time.Now()
		}
	}
	if ctx.Err() != nil || !now.Before(c.end) {
		return ticket{}, false
	}
	t := ticket{due: now, counted: !now.Before(c.counting)}
	if t.counted && c.limit > 0 {
		switch n := c.counted.Add(1); {
		case n > c.limit:
			return ticket{}, false
		case n == c.limit:
			c.spent()
		}
	}
	t.number = c.started.Add(1) - 1
	return t, true
}

// openLoop starts requests at a rate, whatever becomes of those before. One
// that is due while all callers are busy waits, and the wait counts.
type openLoop struct {
	span
	rate  float64
	ramp  time.Duration
	limit int64 // of counted requests; 0: none

	tickets chan ticket
	unsent  int64 // were due in the time that counts, and no caller was free
}

func (o *openLoop) next(context.Context, int) (ticket, bool) {
	t, ok := <-o.tickets
	return t, ok
}

// offset gives when request n is due after the beginning: while the rate
// rises evenly to R within D, R·t²/2D requests are due until t.
func (o *openLoop) offset(n int64) time.Duration {
	rising := o.ramp.Seconds()
	seconds := float64(n)/o.rate + rising/2
	if seconds < rising {
		seconds = math.Sqrt(2 * rising * float64(n) / o.rate)
	}
	return time.Duration(seconds * float64(time.Second))
}

// run hands out tickets until the time is over or ctx is done.
func (o *openLoop) run(ctx context.Context) error {
	defer close(o.tickets)
	alarm, err := newAlarm()
	if err != nil {
		return err
	}
	defer alarm.close()
	whole, cancel := context.WithDeadline(ctx, o.end)
	defer cancel()
	var counted int64
	for n := int64(0); ; n++ {
		t := ticket{number: n, due: o.begin.Add(o.offset(n))}
		t.counted = !t.due.Before(o.counting)
		if !t.due.Before(o.end) || o.limit > 0 && counted == o.limit {
			return nil
		}
		alarm.wait(ctx, t.due)
		if ctx.Err() != nil || !o.hand(whole, t) {
			o.unsent = o.overdue(n, time.Now(), counted)
			return nil
		}
		if t.counted {
			counted++
		}
	}
}

// hand gives a ticket to the next caller that is free. One that is free already
// gets it even where this machine was late.
func (o *openLoop) hand(ctx context.Context, t ticket) bool {
	select {
	case o.tickets <- t:
		return true
	default:
	}
	select {
	case o.tickets <- t:
		return true
	case <-ctx.Done():
		return false
	}
}

// overdue counts what is due from request n on and is too late now.
func (o *openLoop) overdue(n int64, now time.Time, counted int64) (unsent int64) {
	for ; o.limit == 0 || counted+unsent < o.limit; n++ {
		due := o.begin.Add(o.offset(n))
		if !due.Before(now) || !due.Before(o.end) {
			break
		}
		if !due.Before(o.counting) {
			unsent++
		}
	}
	return unsent
}

// sleep waits for d and reports false if ctx was done before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
