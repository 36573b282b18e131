package localazure

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// One holder at a time has the lock; who waits gets it when it is freed, or gives up with the cause of its context.
func TestFileLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := tryLockFile(path)
	if err != nil || first == nil {
		t.Fatalf("a free lock: %v, %v", first, err)
	}
	if second, err := tryLockFile(path); err != nil || second != nil {
		t.Fatalf("a lock that is held: %v, %v", second, err)
	}
	givenUp := errors.New("given up")
	ctx, cancel := context.WithTimeoutCause(t.Context(), lockPoll, givenUp)
	defer cancel()
	if _, err := lockFile(ctx, path); !errors.Is(err, givenUp) {
		t.Errorf("giving up: %v", err)
	}
	time.AfterFunc(lockPoll, first.unlock)
	third, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	third.unlock()
}

// A lock that cannot be had at all, as in a folder that is not there, is an error and not a wait.
func TestFileLockError(t *testing.T) {
	if _, err := lockFile(t.Context(), filepath.Join(t.TempDir(), "missing", "lock")); err == nil {
		t.Error("no error")
	}
}
