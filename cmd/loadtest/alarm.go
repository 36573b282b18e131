//go:build !linux

package main

import (
	"context"
	"time"
)

// alarm waits for points in time, to a millisecond or so.
type alarm struct{}

func newAlarm() (*alarm, error) { return &alarm{}, nil }

func (*alarm) close() {}

// wait waits until due and reports false if ctx was done before.
func (*alarm) wait(ctx context.Context, due time.Time) bool {
	if d := time.Until(due); d > 0 {
		return sleep(ctx, d)
	}
	return ctx.Err() == nil
}
