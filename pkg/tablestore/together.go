package tablestore

import (
	"context"
	"sync/atomic"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// partition is where records lie that can be read and written together.
type partition struct {
	day   string
	shard byte
}

func partitionOf(id job.ID) partition { return partition{day: id.Day(), shard: id.Shard()} }

// together gives the context of a request that several callers wait for: it
// ends when all of theirs have.
func together(callers []context.Context) (context.Context, context.CancelFunc) {
	if len(callers) == 1 {
		return context.WithCancel(callers[0])
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(callers[0]))
	left := new(atomic.Int32)
	left.Store(int32(len(callers)))
	unhook := make([]func() bool, len(callers))
	for i, caller := range callers {
		unhook[i] = context.AfterFunc(caller, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, f := range unhook {
			f()
		}
		cancel()
	}
}
