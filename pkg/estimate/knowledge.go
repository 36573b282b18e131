package estimate

import (
	"math"
	"time"
)

// freshWait is how long it stands what requests waited in the queue, on top of
// the time that a job takes: a worker whose slots are all taken receives nothing
// until a job ends, but one with a free slot that receives nothing has an empty
// queue.
const freshWait = 15 * time.Second

// knowledge is what all reports say together. It does not change.
type knowledge struct {
	operations map[string]distribution
	any        distribution // of jobs whose operation is not known
	waited     time.Duration
	waitStands time.Time // until when it does
	stands     time.Time // until when the rest does
}

// newKnowledge merges reports, each with the weight that is left of it.
func newKnowledge(reports []report, now time.Time) *knowledge {
	k := &knowledge{operations: map[string]distribution{}}
	merged, all := map[string]*histogram{}, &histogram{}
	for _, r := range reports {
		if r.At.Add(expiry).After(k.stands) {
			k.stands = r.At.Add(expiry)
		}
		factor := math.Exp2(-float64(max(0, now.Sub(r.At))) / float64(halfLife))
		for name, points := range r.Operations {
			if merged[name] == nil {
				merged[name] = &histogram{}
			}
			merged[name].addPoints(points, factor)
		}
	}
	for name, h := range merged {
		k.operations[name] = newDistribution(h)
		all.merge(h)
	}
	k.any = newDistribution(all)
	k.mergeWaits(reports, now)
	return k
}

// mergeWaits takes the mean of what the workers' last requests waited, where
// that still stands.
func (k *knowledge) mergeWaits(reports []report, now time.Time) {
	fresh := freshWait + min(k.any.next(0), expiry)
	sum, n := 0.0, 0
	for _, r := range reports {
		stands := r.WaitedAt.Add(fresh)
		if stands.Before(now) || !(r.Waited >= 0 && r.Waited < maxMilliseconds) {
			continue
		}
		sum, n = sum+r.Waited, n+1
		if stands.After(k.waitStands) {
			k.waitStands = stands
		}
	}
	if n > 0 {
		k.waited = milliseconds(sum / float64(n))
	}
}

// wait gives how long a request that comes now waits in the queue.
func (k *knowledge) wait(now time.Time) time.Duration {
	if now.After(k.waitStands) {
		return 0
	}
	return k.waited
}
