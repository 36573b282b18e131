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

func seconds(t *rapid.T, low, high int, label string) time.Duration {
	return time.Duration(rapid.IntRange(low, high).Draw(t, label)) * time.Second
}

func (m *model) draw(t *rapid.T) (*queue.Message, *entry) {
	m.ids++
	e := &entry{id: m.ids, life: seconds(t, 0, 30, "life")}
	return &queue.Message{Content: e.id, Size: 1, TimeToLive: e.life}, e
}

func (m *model) send(t *rapid.T) {
	var msgs []*queue.Message
	for range rapid.SampledFrom([]int{1, 1, 2, 3, 100}).Draw(t, "messages") {
		msg, e := m.draw(t)
		msgs = append(msgs, msg)
		m.activate(e, time.Now())
		m.entries = append(m.entries, e)
	}
	if err := m.queues[false].Send(msgs...); err != nil {
		t.Fatal(err)
	}
}

func (m *model) schedule(t *rapid.T) {
	msg, e := m.draw(t)
	e.activates = time.Now().Add(seconds(t, 1, 20, "delay"))
	msg.ScheduledEnqueueTime = e.activates
	m.numbers++
	e.sequence, e.state = m.numbers, queue.Scheduled
	m.entries = append(m.entries, e)
	got, err := m.queues[false].Schedule(msg)
	if err != nil || len(got) != 1 || got[0] != e.sequence {
		t.Fatalf("schedule: got %v, %v; want %d", got, err, e.sequence)
	}
}

func (m *model) activate(e *entry, now time.Time) {
	m.numbers++
	e.sequence, e.state = m.numbers, queue.Active
	if e.life > 0 {
		e.expires = now.Add(e.life)
	}
}

func (m *model) cancel(t *rapid.T) {
	sequence := rapid.Int64Range(1, m.numbers+1).Draw(t, "number")
	at := slices.IndexFunc(m.entries, func(e *entry) bool {
		return e.sequence == sequence && e.state == queue.Scheduled
	})
	if at >= 0 {
		m.entries = slices.Delete(m.entries, at, at+1)
	}
	if err := m.queues[false].CancelScheduled(sequence); (err == nil) != (at >= 0) {
		t.Fatalf("cancel %d: %v", sequence, err)
	}
}

func (m *model) receive(t *rapid.T) {
	dead, mode := rapid.Bool().Draw(t, "dead"), queue.ReceiveMode(rapid.IntRange(0, 1).Draw(t, "mode"))
	max := rapid.SampledFrom([]int{1, 2, 5, 70}).Draw(t, "max")
	var want []*entry
	for _, e := range m.sorted(dead) {
		if e.state == queue.Active && e.lockedUntil.IsZero() && len(want) < max {
			want = append(want, e)
		}
	}
	m.take(t, want, m.consumers[dead][mode].TryNext(max), mode)
}

func (m *model) receiveDeferred(t *rapid.T) {
	e := m.pick(t, func(e *entry) bool { return e.state == queue.Deferred && e.lockedUntil.IsZero() })
	if e == nil {
		return
	}
	mode := queue.ReceiveMode(rapid.IntRange(0, 1).Draw(t, "mode"))
	got, err := m.queues[e.dead].Receive(mode, e.sequence)
	if !e.dead && !e.expires.IsZero() && !e.expires.After(time.Now()) {
		if err == nil {
			t.Fatal("received an expired deferred message")
		}
		m.expire(e)
		return
	}
	m.take(t, []*entry{e}, got, mode)
}

func (m *model) take(t *rapid.T, want []*entry, got []queue.Message, mode queue.ReceiveMode) {
	if len(got) != len(want) {
		t.Fatalf("received %d messages, want %d", len(got), len(want))
	}
	for i, e := range want {
		if got[i].Content != e.id || got[i].DeliveryCount != e.deliveries {
			t.Fatalf("received %+v, want %+v", got[i], e)
		}
		if mode == queue.ReceiveAndDelete {
			m.remove(e)
			continue
		}
		e.token, e.lockedUntil = got[i].LockToken, time.Now().Add(modelLock)
		m.tokens = append(m.tokens, e.token)
	}
}

// settle draws a token, mostly one that is worth something, and gives its entry if it is.
func (m *model) settle(t *rapid.T, do func(*queue.Queue, queue.Token) error) *entry {
	if len(m.tokens) == 0 {
		return nil
	}
	token := rapid.SampledFrom(m.tokens).Draw(t, "token")
	locked := m.pick(t, func(e *entry) bool { return !e.lockedUntil.IsZero() })
	if locked != nil && rapid.IntRange(0, 4).Draw(t, "old token") > 0 {
		token = locked.token
	}
	at := slices.IndexFunc(m.entries, func(e *entry) bool { return e.token == token && !e.lockedUntil.IsZero() })
	if at < 0 {
		if err := do(m.queues[false], token); err == nil {
			t.Fatal("settled without a lock")
		}
		return nil
	}
	if err := do(m.queues[m.entries[at].dead], token); err != nil {
		t.Fatal(err)
	}
	return m.entries[at]
}

func (m *model) complete(t *rapid.T) {
	if e := m.settle(t, func(q *queue.Queue, token queue.Token) error { return q.Complete(token) }); e != nil {
		m.remove(e)
	}
}

func (m *model) abandon(t *rapid.T) {
	if e := m.settle(t, func(q *queue.Queue, token queue.Token) error { return q.Abandon(token, nil) }); e != nil {
		m.fail(e)
	}
}

func (m *model) release(t *rapid.T) {
	if e := m.settle(t, (*queue.Queue).Release); e != nil {
		e.lockedUntil = time.Time{}
	}
}

func (m *model) deferMessage(t *rapid.T) {
	e := m.settle(t, func(q *queue.Queue, token queue.Token) error { return q.Defer(token, nil) })
	if e != nil {
		e.lockedUntil, e.state = time.Time{}, queue.Deferred
	}
}

func (m *model) deadLetter(t *rapid.T) {
	inDead := false
	e := m.settle(t, func(q *queue.Queue, token queue.Token) error {
		if inDead = q.IsDeadLetter(); inDead {
			return nil
		}
		return q.DeadLetter(token, "", "", nil)
	})
	if e != nil && !inDead {
		m.moveToDeadLetter(e)
	}
}

func (m *model) renew(t *rapid.T) {
	e := m.settle(t, func(q *queue.Queue, token queue.Token) error { _, err := q.Renew(token); return err })
	if e != nil {
		e.lockedUntil = time.Now().Add(modelLock)
	}
}

func (m *model) expireLocks(t *rapid.T) {
	locked, dead := 0, rapid.Bool().Draw(t, "dead")
	for _, e := range m.entries {
		if e.dead == dead && !e.lockedUntil.IsZero() {
			locked++
			defer m.fail(e)
		}
	}
	if got := m.queues[dead].ExpireLocks(); got != locked {
		t.Fatalf("expired %d locks, want %d", got, locked)
	}
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
