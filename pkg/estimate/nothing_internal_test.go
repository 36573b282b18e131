package estimate

import (
	"context"
	"time"
)

// nothing is a store that keeps nothing.
type nothing struct{}

func (nothing) Put(context.Context, string, []byte, time.Time) error { return nil }
func (nothing) Since(context.Context, time.Time) ([][]byte, error)   { return nil, nil }
func (nothing) DropBefore(context.Context, time.Time) (int, error)   { return 0, nil }
