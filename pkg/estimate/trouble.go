package estimate

import (
	"log/slog"
	"sync/atomic"
)

// trouble logs that something fails when it begins to, and that it works again.
type trouble struct {
	log  *slog.Logger
	what string
	now  atomic.Bool
}

func (t *trouble) note(err error) {
	switch failing := err != nil; {
	case failing == t.now.Swap(failing):
	case failing:
		t.log.Warn(t.what+" fails; Retry-After goes by what is known", "error", err)
	default:
		t.log.Info(t.what + " works again")
	}
}
