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

// wait waits until due, or until ctx is done.
func (*alarm) wait(ctx context.Context, due time.Time) {
	if d := time.Until(due); d > 0 {
		sleep(ctx, d)
	}
}
