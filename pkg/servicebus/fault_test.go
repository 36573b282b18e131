package servicebus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

// faults are what may happen to a connection: begin brings it about, and end,
// where it lasts, takes it away.
var faults = map[string]struct {
	begin, end func(*fixture)
}{
	"detached, then silence": {
		begin: func(f *fixture) {
			f.Faults().DetachLinks(queue, "amqp:link:detach-forced", "idle")
			f.Faults().BlackHole(true)
		},
		end: func(f *fixture) { f.Faults().BlackHole(false) },
	},
	"reset": {
		begin: func(f *fixture) { f.Faults().DropConnections() },
	},
	"reset in mid-conversation": {
		begin: func(f *fixture) { f.Faults().DropConnectionsAfter(3) },
	},
	"detached": {
		begin: func(f *fixture) { f.Faults().DetachLinks(queue, "amqp:link:detach-forced", "idle") },
	},
	"detached by a busy broker": {
		begin: func(f *fixture) { f.Faults().DetachLinks(queue, "com.microsoft:server-busy", "throttled") },
	},
	"detached by an error": {
		begin: func(f *fixture) { f.Faults().DetachLinks(queue, "amqp:internal-error", "oh") },
	},
	"outage": {
		begin: func(f *fixture) { f.Faults().RefuseConnections(true); f.Faults().DropConnections() },
		end:   func(f *fixture) { f.Faults().RefuseConnections(false) },
	},
	"silence": {
		begin: func(f *fixture) { f.Faults().BlackHole(true) },
		end:   func(f *fixture) { f.Faults().BlackHole(false) },
	},
}

// lasts is how long a fault that lasts does.
const lasts = 1500 * time.Millisecond

// happen has a fault come and go.
func (f *fixture) happen(name string) {
	fault := faults[name]
	fault.begin(f)
	if fault.end != nil {
		over := time.NewTimer(lasts)
		<-over.C
		fault.end(f)
	}
}

// TestSenderRecovers states that after every fault messages can be sent again
// within seconds, with the sender there is.
func TestSenderRecovers(t *testing.T) {
	t.Parallel()
	for name := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			s := f.sender(t, nil)
			mustSend(t, s, newMessage("before"))
			f.happen(name)
			until(t, recovery, func() error { return s.Send(t.Context(), newMessage("after")) })
			until(t, recovery, func() error { return s.Ready(t.Context()) })
			if err := s.Schedule(t.Context(), newMessage("later"), time.Now().Add(time.Hour)); err != nil {
				t.Errorf("schedule: %v", err)
			}
		})
	}
}

// TestReceiverRecovers states that a receiver that waits through a fault gets
// what is sent after it, within seconds.
func TestReceiverRecovers(t *testing.T) {
	t.Parallel()
	for name := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			r := f.receiver(t, nil)
			received := make(chan *job.Delivery, 1)
			receiveNone(t, r)
			go func() {
				d, err := r.Receive(t.Context(), 1)
				if err == nil {
					received <- d[0]
				} else if t.Context().Err() == nil {
					t.Errorf("receive: %v", err)
				}
			}()
			f.happen(name)
			end := time.Now()
			s := f.sender(t, nil)
			until(t, recovery, func() error { return s.Send(t.Context(), newMessage("after")) })
			select {
			case d := <-received:
				if took := time.Since(end); took > recovery {
					t.Errorf("it took %v", took)
				}
				if err := r.Complete(t.Context(), d); err != nil {
					t.Errorf("complete: %v", err)
				}
			case <-time.After(recovery):
				t.Errorf("nothing received within %v of the end of the fault", recovery)
			}
		})
	}
}

// TestSettlementSurvives states that messages received before a fault are
// renewed and settled after it, by a receiver that is too busy to receive.
func TestSettlementSurvives(t *testing.T) {
	t.Parallel()
	for name := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			s, r := f.sender(t, nil), f.receiver(t, &servicebus.ReceiverOptions{Timeout: quick})
			var held []*job.Delivery
			for range 4 {
				mustSend(t, s, newMessage("x"))
				held = append(held, receiveOne(t, r))
			}
			f.happen(name)
			start := time.Now()
			for i, call := range []func(d *job.Delivery) error{
				func(d *job.Delivery) error { return r.Complete(t.Context(), d) },
				func(d *job.Delivery) error { return r.Renew(t.Context(), d) },
				func(d *job.Delivery) error { return r.DeadLetter(t.Context(), d, "reason", "description") },
				func(d *job.Delivery) error { return r.Abandon(t.Context(), d) },
			} {
				if err := call(held[i]); err != nil {
					t.Errorf("call %d: %v", i, err)
				}
			}
			if took := time.Since(start); took > recovery {
				t.Errorf("it took %v", took)
			}
			if counts, _ := f.QueueCounts(queue); counts.Active != 2 || counts.DeadLetter != 1 {
				t.Errorf("%+v", counts)
			}
		})
	}
}

// TestRefusedQuickly states that while the broker is gone messages are refused
// at once, after the first that found out, and nobody is told that one was
// sent; and that the sender then says that it is not ready.
func TestRefusedQuickly(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"outage", "silence"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			s := f.sender(t, &servicebus.SenderOptions{Timeout: time.Second})
			mustSend(t, s, newMessage("before"))
			faults[name].begin(f)
			defer faults[name].end(f)
			start := time.Now()
			if err := s.Send(t.Context(), newMessage("first")); !errors.Is(err, job.ErrBusy) {
				t.Errorf("the first: %v", err)
			}
			if took := time.Since(start); took > 1500*time.Millisecond {
				t.Errorf("the first was refused after %v", took)
			}
			until(t, time.Second, func() error { // its batch gives up about when it does
				if err := s.Ready(t.Context()); !errors.Is(err, job.ErrBusy) {
					return errors.New("still ready")
				}
				return nil
			})
			start = time.Now()
			for range 100 {
				if err := s.Send(t.Context(), newMessage("later")); !errors.Is(err, job.ErrBusy) {
					t.Fatalf("later: %v", err)
				}
			}
			if took := time.Since(start); took > 200*time.Millisecond {
				t.Errorf("100 more were refused within %v", took)
			}
		})
	}
}

// TestSettlementGivesUp states that a settlement without an answer ends with
// its time, and with its context.
func TestSettlementGivesUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.receiver(t, &servicebus.ReceiverOptions{Timeout: 100 * time.Millisecond, SettleTimeout: 500 * time.Millisecond})
	mustSend(t, f.sender(t, nil), newMessage("x"))
	d := receiveOne(t, r)
	f.Faults().BlackHole(true)
	start := time.Now()
	if err := r.Complete(t.Context(), d); !errors.Is(err, job.ErrBusy) && job.CodeOf(err) != job.CodeServerBusy {
		t.Errorf("complete: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.Renew(ctx, d); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("renew: %v", err)
	}
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("they took %v", took)
	}
	f.Faults().BlackHole(false)
	if err := r.Complete(t.Context(), d); err != nil {
		until(t, recovery, func() error { return r.Complete(t.Context(), d) })
	}
}

// TestSlowIsNotLost states that a broker which answers slowly keeps its
// connection: slow calls fail, but nothing is torn down for them.
func TestSlowIsNotLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.sender(t, &servicebus.SenderOptions{Timeout: 2 * time.Second, InFlight: 2})
	r := f.receiver(t, &servicebus.ReceiverOptions{Timeout: time.Second, ProbeInterval: 200 * time.Millisecond})
	mustSend(t, s, newMessage("before"))
	receiveOne(t, r)
	clients := f.clients.Load()
	f.Faults().Delay(300 * time.Millisecond)
	sendAll(t, s, 10)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for {
		if _, err := r.Receive(ctx, 1); err != nil {
			break
		}
	}
	if made := f.clients.Load() - clients; made != 0 {
		t.Errorf("%d connections were replaced", made)
	}
	f.Faults().Delay(0)
}

// TestImpatientCallers states that callers who leave early tear nothing down.
func TestImpatientCallers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	mustSend(t, s, newMessage("before"))
	d := receiveOne(t, r)
	clients := f.clients.Load()
	f.Faults().Delay(200 * time.Millisecond)
	for name, call := range map[string]func(context.Context) error{
		"send":           func(ctx context.Context) error { return s.Send(ctx, newMessage("x")) },
		"schedule":       func(ctx context.Context) error { return s.Schedule(ctx, newMessage("x"), time.Now().Add(time.Hour)) },
		"sender ready":   s.Ready,
		"receiver ready": r.Ready,
		"peek":           func(ctx context.Context) error { _, err := r.Peek(ctx, 0, 1); return err },
		"renew":          func(ctx context.Context) error { return r.Renew(ctx, d) },
	} {
		impatient, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := call(impatient); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, job.ErrBusy) {
			t.Errorf("%s with little time: %v", name, err)
		}
		cancel()
		leaving, leave := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, leave)
		if err := call(leaving); !errors.Is(err, context.Canceled) {
			t.Errorf("%s of a caller that leaves: %v", name, err)
		}
	}
	f.Faults().Delay(0)
	if made := f.clients.Load() - clients; made != 0 {
		t.Errorf("%d connections were replaced", made)
	}
	if err := r.Complete(t.Context(), d); err != nil {
		t.Errorf("complete: %v", err)
	}
}

// TestSlowBroker states that a broker that answers so slowly that attaching to
// its queue takes longer than an attempt should is reached all the same, and is
// not taken for dead by who waits for its answers.
func TestSlowBroker(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Faults().Delay(300 * time.Millisecond)
	s, r := f.sender(t, nil), f.receiver(t, nil)
	const patience = 25 * time.Second
	until(t, patience, func() error { return s.Send(t.Context(), newMessage("at last")) })
	if err := r.Complete(t.Context(), receiveOne(t, r)); err != nil {
		t.Error(err)
	}
	made := f.clients.Load()
	if err := s.Ready(t.Context()); err != nil && !errors.Is(err, job.ErrBusy) {
		t.Errorf("ready: %v", err)
	}
	if err := s.Send(t.Context(), newMessage("again")); err != nil {
		t.Errorf("send: %v", err)
	}
	if again := f.clients.Load() - made; again > 0 {
		t.Errorf("it connected %d times more", again)
	}
	f.Faults().Delay(0)
}
