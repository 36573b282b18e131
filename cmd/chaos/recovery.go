package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/faults"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/load"
)

const (
	// recoveryLimit is how long after a fault's end it may take until a request
	// is accepted, and until a job that takes no time has its result.
	recoveryLimit = 5 * time.Second
	// ownTime is what that job and finding out about it take without a fault, if
	// it was not measured to take longer on this machine.
	ownTime = time.Second
	// recoveryPatience is when waiting for it is given up.
	recoveryPatience = 30 * time.Second
)

// errLate says that the services were not back at work soon enough.
var errLate = errors.New("recovery took too long")

// recovery is how the services got over one fault.
type recovery struct {
	fault string
	load.Recovery
	own load.Recovery // the same right before the fault
}

func (r recovery) late() bool {
	return !r.OK || r.Accepted > recoveryLimit+r.own.Accepted || r.Ended > recoveryLimit+max(ownTime, r.own.Ended)
}

// recoveries has one fault after another happen to services that are otherwise
// left alone, with callers coming all the while, and measures from its end.
func (s *system) recoveries(ctx context.Context, callers *load.Load, injector *faults.Injector) (all []recovery) {
	for _, trial := range injector.Trials(s.trials) {
		if ctx.Err() != nil {
			return all
		}
		all = append(all, s.recover(ctx, callers, trial))
	}
	return all
}

func (s *system) recover(ctx context.Context, callers *load.Load, trial faults.Trial) recovery {
	ctx, giveUp := context.WithTimeout(ctx, 2*recoveryPatience+max(s.outage, 2*lockTime))
	defer giveUp()
	own := callers.Recover(ctx)
	over, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		callers.Trickle(ctx, over)
	}()
	trial.Do(ctx)
	close(over)
	r := recovery{fault: trial.Name, Recovery: callers.Recover(ctx), own: own}
	s.say(fmt.Sprintf("%s: accepted after %s, result after %s; before it, %s and %s", r.fault, r.Accepted, r.Ended, own.Accepted, own.Ended))
	s.calm()
	<-gone
	return r
}

func lates(all []recovery) (n int) {
	for _, r := range all {
		if r.late() {
			n++
		}
	}
	return n
}

// writeRecoveries writes a line for each kind of fault.
func writeRecoveries(table *tabwriter.Writer, all []recovery) {
	fmt.Fprintf(table, "RECOVERY\ttimes\taccepted median, max\tresult median, max\tLATE\n")
	kinds := map[string][]recovery{}
	for _, r := range all {
		kinds[r.fault] = append(kinds[r.fault], r)
	}
	for _, name := range sortedKeys(kinds) {
		of := kinds[name]
		fmt.Fprintf(table, "  %s\t%d\t%s\t%s\t%d\n", name, len(of),
			spread(of, func(r recovery) time.Duration { return r.Accepted }),
			spread(of, func(r recovery) time.Duration { return r.Ended }), lates(of))
	}
}

func spread(all []recovery, of func(recovery) time.Duration) string {
	times := make([]time.Duration, len(all))
	for i, r := range all {
		times[i] = of(r)
	}
	slices.Sort(times)
	return fmt.Sprintf("%.2f s, %.2f s", times[len(times)/2].Seconds(), times[len(times)-1].Seconds())
}

// tellLate says which faults were got over too late.
func tellLate(w io.Writer, all []recovery) {
	for _, r := range all {
		if !r.late() {
			continue
		}
		result := "there was no result"
		if r.OK {
			result = fmt.Sprintf("the result was there after %.2f s", r.Ended.Seconds())
		}
		fmt.Fprintf(w, "late: %s: from its end it took %.2f s until a request was accepted; %s; right before it, %.2f s and %.2f s\n",
			r.fault, r.Accepted.Seconds(), result, r.own.Accepted.Seconds(), r.own.Ended.Seconds())
	}
}
