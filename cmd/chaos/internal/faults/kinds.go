package faults

import (
	"context"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/fleet"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/relay"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/storagefault"
)

type action = func(ctx context.Context)

// lasting gives an action that begins, lasts and ends.
func lasting(d time.Duration, begin, end func()) action {
	return func(ctx context.Context) {
		begin()
		defer end()
		sleep(ctx, d)
	}
}

func workers(t *Targets) []*fleet.Process   { return t.Workers }
func acceptors(t *Targets) []*fleet.Process { return t.Acceptors }
func statuses(t *Targets) []*fleet.Process  { return t.Statuses }

func end(which func(*Targets) []*fleet.Process, how func(*fleet.Process)) func(*Injector) action {
	return func(i *Injector) action {
		p := pick(i, which(&i.Targets))
		return func(context.Context) { how(p) }
	}
}

func freeze(which func(*Targets) []*fleet.Process) func(*Injector) action {
	return func(i *Injector) action {
		p := pick(i, which(&i.Targets))
		return lasting(i.between(time.Second, 6*time.Second), p.Freeze, p.Thaw)
	}
}

// freezeWorker has a worker wake up when its messages are with others.
func freezeWorker(i *Injector) action {
	p := pick(i, i.Workers)
	return lasting(i.between(i.Lock, 2*i.Lock), p.Freeze, p.Thaw)
}

func cutLine(i *Injector) action {
	line := pick(i, i.BrokerLines)
	return cutAfter(i, line, 20_000)
}

func cutFront(i *Injector) action {
	return cutAfter(i, pick(i, i.Fronts), 5_000)
}

func cutAfter(i *Injector, line *relay.Relay, most int64) action {
	n := i.chance.Int64N(int64(i.traffic(int(most))))
	return func(context.Context) { line.CutAfter(n) }
}

// blackHole parts one process from the broker, or all of them.
func blackHole(i *Injector) action {
	lines := []*relay.Relay{pick(i, i.BrokerLines)}
	if i.chance.IntN(4) == 0 {
		lines = i.BrokerLines
	}
	return lasting(i.between(i.Lock/2, 2*i.Lock), each(lines, true), each(lines, false))
}

func each(lines []*relay.Relay, on bool) func() {
	return func() {
		for _, line := range lines {
			line.BlackHole(on)
		}
	}
}

func outage(i *Injector) action {
	return lasting(i.Outage, func() {
		i.Broker.RefuseConnections(true)
		i.Broker.DropConnections()
	}, func() { i.Broker.RefuseConnections(false) })
}

func dropFrames(i *Injector) action {
	n := i.chance.IntN(i.traffic(300))
	return func(context.Context) { i.Broker.DropConnectionsAfter(n) }
}

func expireLocks(i *Injector) action {
	return func(context.Context) { i.Broker.ExpireLocks(i.Queue) }
}

func detachLinks(i *Injector) action {
	condition := pick(i, []string{"amqp:link:detach-forced", "com.microsoft:server-busy", "amqp:internal-error"})
	return func(context.Context) { i.Broker.DetachLinks(i.Queue, condition, "injected") }
}

// storage has some of the faults happen to a share of the requests to Blob, to
// Table or to both.
func storage(all ...storagefault.Fault) func(*Injector) action {
	return func(i *Injector) action {
		proxies := []*storagefault.Proxy{pick(i, i.Storage)}
		if i.chance.IntN(3) == 0 {
			proxies = i.Storage
		}
		share := pick(i, []float64{0.1, 0.3, 0.6, 1})
		faults := []storagefault.Fault{pick(i, all), pick(i, all)}
		return lasting(i.between(time.Second, 5*time.Second), func() {
			for _, p := range proxies {
				p.Trouble(share, faults...)
			}
		}, func() {
			for _, p := range proxies {
				p.Calm()
			}
		})
	}
}
