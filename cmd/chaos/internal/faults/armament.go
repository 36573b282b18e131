package faults

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Points that worker and acceptor come by.
var (
	WorkerPoints = []string{
		"worker.after-receive", "worker.in-handler", "worker.before-claim", "worker.after-claim",
		"worker.before-blob", "worker.after-blob", "worker.before-row", "worker.after-row",
		"worker.before-complete", "worker.after-complete", "worker.before-dead-letter",
		"worker.before-copy", "worker.after-copy",
	}
	AcceptorPoints = []string{
		"acceptor.before-send", "acceptor.after-send", "acceptor.after-payload",
		"acceptor.before-reserve", "acceptor.after-reserve", "acceptor.before-mark",
	}
)

// Armament draws the failpoint that a process is to meet in its next life, in
// the form that package failpoint reads, or "".
func (i *Injector) Armament(points []string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.peace {
		return ""
	}
	armed := armament(i.lives, points, i.Lock)
	if armed != "" {
		service, _, _ := strings.Cut(armed, ".")
		i.counts["arm a failpoint of "+service]++
	}
	return armed
}

func (i *Injector) disarm() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.peace = true
}

// armament draws a point and what happens there: mostly death, sometimes a
// sleep beyond the lock.
func armament(chance *rand.Rand, points []string, lock time.Duration) string {
	point := points[chance.IntN(len(points))]
	times := 1 + chance.IntN(12)
	switch n := chance.IntN(10); {
	case n < 3:
		return ""
	case n < 8:
		return fmt.Sprintf("%s=kill@%d", point, times)
	case n < 9:
		return fmt.Sprintf("%s=delay(%s)@%d", point, lock+lock/2, times)
	}
	return fmt.Sprintf("%s=stop(%s)@%d", point, lock+lock/2, times)
}
