package localazure

import (
	"context"
	"os"
	"time"
)

// lockPoll is how often a waiting process looks whether a lock has become free.
const lockPoll = 50 * time.Millisecond

// fileLock is a lock between processes. The system frees it when its holder dies.
type fileLock struct{ file *os.File }

// tryLockFile takes the lock on a file, made if need be, or returns nil when another holder has it.
func tryLockFile(path string) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if locked, err := tryLock(file); err != nil || !locked {
		file.Close()
		return nil, err
	}
	return &fileLock{file}, nil
}

// lockFile is tryLockFile that waits until the lock is free or ctx is done.
func lockFile(ctx context.Context, path string) (*fileLock, error) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		lock, err := tryLockFile(path)
		if err != nil || lock != nil {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// unlock frees the lock; a nil lock is free already.
func (l *fileLock) unlock() {
	if l != nil {
		l.file.Close()
	}
}
