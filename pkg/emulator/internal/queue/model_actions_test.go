package queue_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

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
