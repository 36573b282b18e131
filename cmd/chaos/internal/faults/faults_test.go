package faults

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/relay"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/storagefault"
)

func injector(t *testing.T, only string, seed uint64) *Injector {
	t.Helper()
	i, err := New(Targets{Lock: 5 * time.Second}, regexp.MustCompile(only), seed)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func draws(i *Injector) (names, armed []string) {
	for range 200 {
		names = append(names, i.draw().name)
		armed = append(armed, i.Armament(WorkerPoints))
	}
	return names, armed
}

// TestSeedDecides repeats order and failpoints with the same seed, and has
// others with another.
func TestSeedDecides(t *testing.T) {
	names, armed := draws(injector(t, "", 7))
	sameNames, sameArmed := draws(injector(t, "", 7))
	if !slices.Equal(names, sameNames) || !slices.Equal(armed, sameArmed) {
		t.Error("the same seed gives another order")
	}
	otherNames, otherArmed := draws(injector(t, "", 8))
	if slices.Equal(names, otherNames) || slices.Equal(armed, otherArmed) {
		t.Error("another seed gives the same order")
	}
	for _, k := range kinds {
		if !slices.Contains(names, k.name) && k.weight > 2 {
			t.Errorf("among 200 faults there is no %q", k.name)
		}
	}
}

// TestOnly leaves the other faults out.
func TestOnly(t *testing.T) {
	names, _ := draws(injector(t, "^kill", 7))
	for _, name := range names {
		if !strings.HasPrefix(name, "kill ") {
			t.Fatalf("injects %q", name)
		}
	}
	if _, err := New(Targets{}, regexp.MustCompile("no such fault"), 7); err == nil {
		t.Error("an expression that matches nothing is taken")
	}
}

// TestPeace arms nobody any more, and every kind of armament came before.
func TestPeace(t *testing.T) {
	i := injector(t, "", 7)
	_, armed := draws(i)
	all := strings.Join(armed, " ")
	for _, action := range []string{"=kill@", "=delay(7.5s)@", "=stop(7.5s)@"} {
		if !strings.Contains(all, action) {
			t.Errorf("nothing is armed with %s", action)
		}
	}
	if i.Counts()["arm a failpoint of worker"] == 0 {
		t.Error("armaments are not counted")
	}
	i.disarm()
	if got := i.Armament(WorkerPoints); got != "" {
		t.Errorf("armed with %s in peace", got)
	}
}

// TestTrials takes each fault of the outside world once before any comes again,
// and no fault of the processes themselves.
func TestTrials(t *testing.T) {
	i := injector(t, "", 7)
	i.BrokerLines, i.Fronts = []*relay.Relay{nil}, []*relay.Relay{nil}
	i.Storage = []*storagefault.Proxy{nil}
	i.Outage = time.Second
	outside := 0
	for _, k := range kinds {
		if k.outside {
			outside++
		}
	}
	seen := map[string]int{}
	for _, trial := range i.Trials(2 * outside) {
		seen[trial.Name]++
		if strings.HasPrefix(trial.Name, "kill") || strings.HasPrefix(trial.Name, "freeze") || strings.HasPrefix(trial.Name, "terminate") {
			t.Errorf("tries %q", trial.Name)
		}
	}
	for name, n := range seen {
		if n != 2 {
			t.Errorf("%q comes %d times in two rounds", name, n)
		}
	}
	if len(seen) != outside {
		t.Errorf("tries %d kinds of %d: %v", len(seen), outside, seen)
	}
	if none := injector(t, "^kill", 7).Trials(3); len(none) > 0 {
		t.Errorf("tries %v although only kills were asked for", none)
	}
}
