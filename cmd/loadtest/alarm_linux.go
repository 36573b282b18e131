package main

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm waits for points in time. Go rounds what it sleeps for up to a
// millisecond when nothing else is to be done, which is more than many an
// answer takes; a timer of the kernel wakes the poller in time.
type alarm struct {
	fd   int
	file *os.File
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &alarm{fd, os.NewFile(uintptr(fd), "timer")}, nil
}

func (a *alarm) close() { _ = a.file.Close() }

// rest is the shortest wait. What is due earlier is late by this much, and a
// high rate costs fewer wake-ups.
const rest = 100 * time.Microsecond

// margin is what is left to the timer of a long wait, which ctx cannot end.
const margin = 5 * time.Millisecond

// wait waits until due, or until ctx is done.
func (a *alarm) wait(ctx context.Context, due time.Time) {
	if d := time.Until(due); d > 2*margin && !sleep(ctx, d-margin) {
		return
	}
	if d := time.Until(due); d > 0 && a.set(max(d, rest)) == nil {
		var expirations [8]byte
		_, _ = a.file.Read(expirations[:]) // where it fails, the request is early
	}
}

func (a *alarm) set(d time.Duration) error {
	return unix.TimerfdSettime(a.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}, nil)
}
