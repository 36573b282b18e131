package faults

import "context"

// Trial is a fault that is to happen alone.
type Trial struct {
	Name string
	do   action
	i    *Injector
}

// Trials draws n faults of connections, of the broker and of storage, each kind
// once before any comes again. They are for when [Injector.Run] has returned:
// how soon all is well after a fault can be told only if no other is about.
func (i *Injector) Trials(n int) (trials []Trial) {
	i.hasty = true
	var outside []fault
	for _, k := range i.kinds {
		if k.outside {
			outside = append(outside, k)
		}
	}
	for len(outside) > 0 && len(trials) < n {
		for _, at := range i.chance.Perm(len(outside)) {
			k := outside[at]
			if len(trials) < n {
				trials = append(trials, Trial{k.name, k.act(i), i})
			}
		}
	}
	return trials
}

// Do has the fault happen and returns when it is over.
func (t Trial) Do(ctx context.Context) {
	t.i.count(t.Name)
	t.i.say(t.Name + ", alone")
	t.do(ctx)
	t.i.say(t.Name + ": over")
}

// traffic gives how much of it a fault may wait for, of what it may in a busy
// system.
func (i *Injector) traffic(most int) int {
	if i.hasty {
		return max(most/20, 1)
	}
	return most
}
