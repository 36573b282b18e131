package queue_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

const (
	modelLock       = 10 * time.Second
	modelDeliveries = 2
)

// Whatever is done to a queue in whatever order, it holds what a slow and simple model of it holds: no message lost, none
// in two places, order and counts right.
func TestAgainstModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubble{t}, func(t *rapid.T) {
			m := newModel(t)
			defer m.namespace.Close()
			for range 5 { // Repeat makes 30 steps or so
				t.Repeat(m.actions())
			}
		})
	})
}

func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"send":        m.send,
		"schedule":    m.schedule,
		"cancel":      m.cancel,
		"receive":     m.receive,
		"by number":   m.receiveDeferred,
		"complete":    m.complete,
		"abandon":     m.abandon,
		"release":     m.release,
		"defer":       m.deferMessage,
		"dead-letter": m.deadLetter,
		"renew":       m.renew,
		"expire":      m.expireLocks,
		"sleep":       m.sleep,
		"":            m.compare,
	}
}

// bubble hides a test's Deadline method, which may not be called in fake time.
type bubble struct{ rapid.TB }

// entry is a message as the model sees it.
type entry struct {
	id, sequence int64
	state        queue.State
	dead         bool
	deliveries   uint32
	life         time.Duration // 0: for ever
	expires      time.Time
	activates    time.Time
	token        queue.Token // of the last lock
	lockedUntil  time.Time   // zero when not locked
}

// model is a queue and its dead-letter queue as one list.
type model struct {
	namespace    *queue.Namespace
	queues       map[bool]*queue.Queue // by dead
	consumers    map[bool]map[queue.ReceiveMode]*queue.Consumer
	deadLetters  bool
	entries      []*entry
	ids, numbers int64
	tokens       []queue.Token // every token ever given
}

func newModel(t *rapid.T) *model {
	m := &model{namespace: queue.NewNamespace(), deadLetters: rapid.Bool().Draw(t, "dead-letter on expiry")}
	q, err := m.namespace.Create(queue.Properties{
		Name: "orders", LockDuration: modelLock, MaxDeliveryCount: modelDeliveries,
		DeadLetteringOnMessageExpiration: m.deadLetters,
	})
	if err != nil {
		t.Fatal(err)
	}
	dead, _ := m.namespace.Lookup("orders/$DeadLetterQueue")
	m.queues = map[bool]*queue.Queue{false: q, true: dead}
	m.consumers = make(map[bool]map[queue.ReceiveMode]*queue.Consumer)
	for isDead, q := range m.queues {
		m.consumers[isDead] = map[queue.ReceiveMode]*queue.Consumer{
			queue.PeekLock:         q.NewConsumer(queue.PeekLock),
			queue.ReceiveAndDelete: q.NewConsumer(queue.ReceiveAndDelete),
		}
	}
	return m
}

func (m *model) fail(e *entry) {
	e.lockedUntil = time.Time{}
	if e.dead {
		return
	}
	if e.deliveries++; e.deliveries >= modelDeliveries {
		m.moveToDeadLetter(e)
	}
}

func (m *model) moveToDeadLetter(e *entry) {
	e.dead, e.state, e.lockedUntil = true, queue.Active, time.Time{}
}

func (m *model) expire(e *entry) {
	if m.deadLetters {
		m.moveToDeadLetter(e)
		return
	}
	m.remove(e)
}

func (m *model) remove(e *entry) {
	m.entries = slices.DeleteFunc(m.entries, func(o *entry) bool { return o == e })
}

func (m *model) sleep(t *rapid.T) { time.Sleep(seconds(t, 1, 15, "time")) }

// due is when time alone changes an entry; zero when never.
func (e *entry) due() time.Time {
	switch {
	case e.state == queue.Scheduled:
		return e.activates
	case !e.lockedUntil.IsZero():
		return e.lockedUntil
	case e.state == queue.Active && !e.dead:
		return e.expires
	}
	return time.Time{}
}

// advance does what time has done, one after another.
func (m *model) advance() {
	for now := time.Now(); ; {
		var first *entry
		for _, e := range m.sortedAll() {
			if due := e.due(); !due.IsZero() && !due.After(now) && (first == nil || due.Before(first.due())) {
				first = e
			}
		}
		switch {
		case first == nil:
			return
		case first.state == queue.Scheduled:
			m.activate(first, first.activates)
		case !first.lockedUntil.IsZero():
			m.fail(first)
		default:
			m.expire(first)
		}
	}
}

func (m *model) compare(t *rapid.T) {
	synctest.Wait()
	m.advance()
	var counts [3]int
	for _, dead := range []bool{false, true} {
		want := m.sorted(dead)
		got := m.queues[dead].Peek(0, len(m.entries)+1)
		if len(got) != len(want) {
			t.Fatalf("dead %v: %d messages, want %d", dead, len(got), len(want))
		}
		for i, e := range want {
			if viewOf(got[i]) != e.view() {
				t.Fatalf("dead %v: message %d is %+v, want %+v", dead, i, viewOf(got[i]), e.view())
			}
			switch {
			case dead:
				counts[1]++
			case e.state == queue.Scheduled:
				counts[2]++
			default:
				counts[0]++
			}
		}
	}
	r := m.queues[false].Runtime()
	if got := [3]int{r.ActiveMessageCount, r.DeadLetterMessageCount, r.ScheduledMessageCount}; got != counts {
		t.Fatalf("counts %v, want %v", got, counts)
	}
	if r.TotalMessageCount != len(m.entries) || r.SizeInBytes != int64(len(m.entries)) {
		t.Fatalf("%d messages of %d bytes, want %d", r.TotalMessageCount, r.SizeInBytes, len(m.entries))
	}
}

// view is what an entry and a message must have in common.
type view struct {
	id, sequence int64
	state        queue.State
	deliveries   uint32
	lockedUntil  int64
}

func (e *entry) view() view {
	return view{e.id, e.sequence, e.state, e.deliveries, e.lockedUntil.UnixNano()}
}

func viewOf(m queue.Message) view {
	return view{m.Content.(int64), m.SequenceNumber, m.State, m.DeliveryCount, m.LockedUntil.UnixNano()}
}

func (m *model) pick(t *rapid.T, wanted func(*entry) bool) *entry {
	var found []*entry
	for _, e := range m.sortedAll() {
		if wanted(e) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[rapid.IntRange(0, len(found)-1).Draw(t, "which")]
}

func (m *model) sorted(dead bool) []*entry {
	return slices.DeleteFunc(m.sortedAll(), func(e *entry) bool { return e.dead != dead })
}

func (m *model) sortedAll() []*entry {
	return slices.SortedFunc(slices.Values(m.entries), func(a, b *entry) int { return int(a.sequence - b.sequence) })
}
