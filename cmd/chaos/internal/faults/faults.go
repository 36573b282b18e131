// Package faults does harm in an order that a seed decides.
package faults

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/fleet"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/relay"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/storagefault"
	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// Targets are what faults happen to. Something starts processes again that
// have ended.
type Targets struct {
	Workers, Acceptors, Statuses []*fleet.Process

	BrokerLines []*relay.Relay // one for each process that talks to the broker
	Fronts      []*relay.Relay // between callers and services
	Storage     []*storagefault.Proxy
	Broker      *emulator.Faults
	Queue       string // path of the queue

	Say func(what string) // is told of every fault; or nil

	Lock   time.Duration // of the queue's messages
	Outage time.Duration // how long the broker may be gone
}

// Injector injects faults and counts them. Make one by [New].
type Injector struct {
	Targets
	kinds   []fault
	chance  *rand.Rand
	running sync.WaitGroup

	mu     sync.Mutex
	counts map[string]int
	lives  *rand.Rand // decides on armaments
	peace  bool
	hasty  bool // faults that wait for some traffic wait for little
}

// New makes an injector of those faults whose names match only, all if it is
// nil. It has done nothing yet.
func New(t Targets, only *regexp.Regexp, seed uint64) (*Injector, error) {
	i := &Injector{
		Targets: t, chance: rand.New(rand.NewPCG(seed, 2)), lives: rand.New(rand.NewPCG(seed, 3)), counts: map[string]int{},
	}
	for _, k := range kinds {
		if only == nil || only.MatchString(k.name) {
			i.kinds = append(i.kinds, k)
		}
	}
	if len(i.kinds) == 0 {
		return nil, fmt.Errorf("no fault has a name that matches %q", only)
	}
	return i, nil
}

// fault is a kind of harm. Its act decides by chance what exactly to do, at
// once, and gives the doing of it, which ends with ctx or before and leaves
// nothing behind.
type fault struct {
	name   string
	weight int
	act    func(i *Injector) func(ctx context.Context)

	outside bool // it befalls what the services talk to, and none of themselves
}

// kinds are all faults; a fault of twice the weight comes twice as often.
var kinds = []fault{
	{"kill worker", 14, end(workers, (*fleet.Process).Kill), false},
	{"kill acceptor", 7, end(acceptors, (*fleet.Process).Kill), false},
	{"kill status", 5, end(statuses, (*fleet.Process).Kill), false},
	{"terminate worker", 4, end(workers, (*fleet.Process).Terminate), false},
	{"terminate acceptor", 3, end(acceptors, (*fleet.Process).Terminate), false},
	{"terminate status", 2, end(statuses, (*fleet.Process).Terminate), false},
	{"freeze worker beyond its locks", 10, freezeWorker, false},
	{"freeze acceptor", 4, freeze(acceptors), false},
	{"freeze status", 3, freeze(statuses), false},
	{"cut broker connection after n bytes", 9, cutLine, true},
	{"black hole before the broker", 7, blackHole, true},
	{"broker outage", 2, outage, true},
	{"broker drops connections after n frames", 5, dropFrames, true},
	{"broker ends all locks", 4, expireLocks, true},
	{"broker detaches links", 3, detachLinks, true},
	{"storage errors", 12, storage(storagefault.Throttle, storagefault.Fail, storagefault.Busy), true},
	{"storage loses replies", 8, storage(storagefault.LoseReply, storagefault.Reset, storagefault.CutAnswer), true},
	{"storage does not answer", 3, storage(storagefault.Hang), true},
	{"cut caller's connection after n bytes", 4, cutFront, true},
}

// Run injects faults one after another, some of which last while others begin,
// until ctx is done. Then all have ended, and new lives are unarmed.
func (i *Injector) Run(ctx context.Context) {
	defer i.running.Wait()
	defer i.disarm()
	for {
		kind := i.draw()
		do := kind.act(i)
		gap := i.between(300*time.Millisecond, 1500*time.Millisecond)
		i.count(kind.name)
		i.running.Go(func() {
			i.say(kind.name)
			do(ctx)
			i.say(kind.name + ": over")
		})
		if !sleep(ctx, gap) {
			return
		}
	}
}

func (i *Injector) say(what string) {
	if i.Say != nil {
		i.Say(what)
	}
}

func (i *Injector) draw() fault {
	total := 0
	for _, k := range i.kinds {
		total += k.weight
	}
	n := i.chance.IntN(total)
	for _, k := range i.kinds {
		if n -= k.weight; n < 0 {
			return k
		}
	}
	return i.kinds[0]
}

// between draws a time from low to high.
func (i *Injector) between(low, high time.Duration) time.Duration {
	return low + time.Duration(i.chance.Int64N(int64(high-low)))
}

func (i *Injector) count(name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.counts[name]++
}

// Counts gives how often each kind was injected.
func (i *Injector) Counts() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.counts)
}

// sleep reports whether d has passed before ctx was done.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func pick[T any](i *Injector, all []T) T { return all[i.chance.IntN(len(all))] }
