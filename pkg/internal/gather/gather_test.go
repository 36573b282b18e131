package gather_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/internal/gather"
)

// wire is where items go: requests take a second each, and are recorded.
type wire struct {
	mu       sync.Mutex
	requests [][]int
	underWay atomic.Int32
	most     atomic.Int32
}

func (w *wire) do(items []int) {
	w.most.Store(max(w.most.Load(), w.underWay.Add(1)))
	w.mu.Lock()
	w.requests = append(w.requests, slices.Clone(items))
	w.mu.Unlock()
	time.Sleep(time.Second)
	w.underWay.Add(-1)
}

func (w *wire) sent() [][]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.requests)
}

func (w *wire) expect(t *testing.T, want ...[]int) {
	t.Helper()
	if got := w.sent(); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("requests %v, want %v", got, want)
	}
}

// TestAlone states that an item goes at once and by itself when nothing is
// under way to its place, whatever is to others.
func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		g := gather.New[string](gather.Options[int]{Do: w.do})
		start := time.Now()
		go g.Add("elsewhere", 0)
		synctest.Wait()
		g.Add("here", 1)
		g.Add("here", 2)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("two items one after the other took %v", took)
		}
		w.expect(t, []int{0}, []int{1}, []int{2})
	})
}

// TestTogether states that what comes while a request is under way goes
// together when that is answered, in its order and as much as fits.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		g := gather.New[string](gather.Options[int]{
			Do: w.do, Patience: time.Hour,
			Fit: func(waiting []int) int { return min(len(waiting), 3) },
		})
		go g.Add("here", 0)
		synctest.Wait()
		for i := range 5 {
			g.Add("here", 1+i)
		}
		time.Sleep(time.Minute)
		w.expect(t, []int{0}, []int{1, 2, 3}, []int{4, 5})
		g.Add("here", 6)
		w.expect(t, []int{0}, []int{1, 2, 3}, []int{4, 5}, []int{6})
	})
}

// TestPatience states that items do not wait for ever for a request that hangs,
// and that no more than so many are under way then.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		g := gather.New[string](gather.Options[int]{Do: w.do, Patience: 100 * time.Millisecond, UnderWay: 3})
		go g.Add("here", 0)
		synctest.Wait()
		for i := range 20 {
			g.Add("here", 1+i)
			time.Sleep(40 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		requests := w.sent()
		if w.most.Load() != 3 {
			t.Errorf("%d requests at a time: %v", w.most.Load(), requests)
		}
		all := slices.Concat(requests...)
		if len(all) != 21 || !slices.IsSorted(all) {
			t.Errorf("what went: %v", all)
		}
	})
}

// TestNoneIsLost states that each of many concurrent items goes once.
func TestNoneIsLost(t *testing.T) {
	const items = 10_000
	var went [items]atomic.Int32
	var requests atomic.Int32
	var sending, arriving sync.WaitGroup
	arriving.Add(items)
	g := gather.New[int](gather.Options[int]{Patience: time.Microsecond, Do: func(some []int) {
		requests.Add(1)
		for _, i := range some {
			went[i].Add(1)
			arriving.Done()
		}
	}})
	for i := range items {
		sending.Go(func() { g.Add(i%3, i) })
	}
	sending.Wait()
	arriving.Wait()
	for i := range went {
		if n := went[i].Load(); n != 1 {
			t.Fatalf("item %d went %d times", i, n)
		}
	}
	t.Logf("%d items in %d requests", items, requests.Load())
}
