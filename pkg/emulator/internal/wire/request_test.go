package wire

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// requester is a peer with a pair of links to a node that answers requests.
type requester struct {
	*peer
	next uint32
}

// requests attaches the pair of links. Answers are sent to a link named "replies" whose own address is "me".
func (r *rig) requests(node string, mode uint8) *requester {
	r.t.Helper()
	p := r.open()
	p.sendsTo(0, node)
	p.send(0, &amqp.Attach{Name: "replies", Handle: 1, Role: amqp.RoleReceiver, SenderSettleMode: amqp.Some(mode),
		Source: &amqp.Source{Address: amqp.Some(node)}, Target: &amqp.Target{Address: amqp.Some("me")}})
	p.expect(amqp.DescAttach, new(amqp.Attach))
	p.credit(1, 1000)
	return &requester{peer: p}
}

// request encodes a request.
func encodeRequest(replyTo any, id any, properties amqp.Map, body any) []byte {
	b := amqp.AppendValue(amqp.AppendDescriptor(nil, amqp.DescProperties), amqp.List{id, nil, nil, nil, replyTo})
	b = amqp.AppendValue(amqp.AppendDescriptor(b, amqp.DescApplicationProperties), properties)
	return amqp.AppendValue(amqp.AppendDescriptor(b, amqp.DescValue), body)
}

// answer is a decoded answer.
type answer struct {
	status     int32
	condition  any
	correlated any
	body       any
}

// ask sends a request and waits for the answer.
func (q *requester) ask(replyTo any, properties amqp.Map, body any) answer {
	q.t.Helper()
	q.transfer(0, q.next, encodeRequest(replyTo, fmt.Sprint("id", q.next), properties, body))
	q.next++
	_, m := q.delivered()
	p := amqp.NewReader(m.ApplicationProperties)
	values, _ := p.Value().(amqp.Map)
	list := amqp.NewReader(m.Properties)
	fields, _ := list.Value().(amqp.List)
	got := answer{condition: values.Get("errorCondition"), correlated: fields[5]}
	got.status, _ = values.Get("statusCode").(int32)
	if twin := values.Get("status-code"); twin != got.status {
		q.t.Errorf("statusCode %v, status-code %v", got.status, twin)
	}
	got.body, _ = m.BodyValue()
	return got
}

// operate asks $management for an operation.
func (q *requester) operate(operation string, body amqp.Map) answer {
	q.t.Helper()
	return q.ask("me", amqp.Map{{Key: "operation", Value: "com.microsoft:" + operation}}, body)
}

// $cbs takes any token for what exists, and answers 404 for what does not.
func TestCBS(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	q := r.requests("$cbs", amqp.SenderSettled)
	put := func(operation, name string) int32 {
		return q.ask("me", amqp.Map{{Key: "operation", Value: operation}, {Key: "type", Value: "servicebus.windows.net:sastoken"},
			{Key: "name", Value: name}}, "any token").status
	}
	for name, want := range map[string]int32{
		"sb://127.0.0.1/q": 202, "amqps://host/Q/$management": 202, "sb://host/q/$DeadLetterQueue": 202, "sb://host/": 202,
		"sb://host/nowhere": 404, "nowhere": 404, "q/Subscriptions/s": 404,
	} {
		if got := put("put-token", name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	if a, b := put("delete-token", "q"), put("other", "q"); a != 202 || b != 501 {
		t.Errorf("delete-token: %d, an unknown operation: %d", a, b)
	}
}

// Answers go to the link whose address or name the request gives, correlated by an identifier of any type; without any such
// link the request is rejected.
func TestReplyAddressing(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	q := r.requests("q/$management", amqp.SenderMixed)
	peek := amqp.Map{{Key: "operation", Value: "com.microsoft:peek-message"}}
	body := amqp.Map{{Key: "from-sequence-number", Value: int64(0)}, {Key: "message-count", Value: int32(1)}}
	for _, replyTo := range []any{"me", "replies", nil} {
		if got := q.ask(replyTo, peek, body); got.status != 204 || got.correlated != fmt.Sprint("id", q.next-1) {
			t.Errorf("reply to %v: %+v", replyTo, got)
		}
	}
	q.transfer(0, q.next, encodeRequest("someone else", uint64(1), peek, body))
	for {
		var d amqp.Disposition
		if q.expect(amqp.DescDisposition, &d); d.First == q.next {
			if d.State.Kind != amqp.DescRejected || d.State.Error.Condition != amqp.CondPreconditionFailed {
				t.Errorf("got %+v", d)
			}
			return
		}
	}
}

// A peer that wants to settle answers itself may.
func TestUnsettledReplies(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	q := r.requests("q/$management", amqp.SenderUnsettled)
	if got := q.operate("peek-message", amqp.Map{{Key: "from-sequence-number", Value: int64(0)}, {Key: "message-count", Value: int32(1)}}); got.status != 204 {
		t.Errorf("got %+v", got)
	}
	q.send(0, &amqp.Disposition{Role: amqp.RoleReceiver, First: 0, State: amqp.Accepted})
	for {
		var d amqp.Disposition
		if q.expect(amqp.DescDisposition, &d); d.Role == amqp.RoleSender {
			if d.First != 0 || !d.Settled || d.State.Kind != amqp.DescAccepted {
				t.Errorf("got %+v", d)
			}
			return
		}
	}
}

// Requests that say too little, or nonsense, are answered by 400, and those of unknown operations by 501.
func TestManagementRefusals(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	r.put("a")
	q := r.requests("q/$management", amqp.SenderSettled)
	token, one := amqp.Array{Type: 0x98, Values: []any{amqp.UUID{1}}}, []int64{1}
	m := func(pairs ...any) (body amqp.Map) {
		for i := 0; i < len(pairs); i += 2 {
			body = append(body, amqp.Entry{Key: pairs[i], Value: pairs[i+1]})
		}
		return body
	}
	for i, c := range []struct {
		operation string
		body      amqp.Map
		status    int32
		condition amqp.Symbol
	}{
		{"set-session-state", m(), 501, amqp.CondNotImplemented},
		{"renew-lock", m(), 400, condArgument},
		{"renew-lock", m("lock-tokens", "x"), 400, condArgument},
		{"renew-lock", m("lock-tokens", one), 400, condArgument},
		{"renew-lock", m("lock-tokens", token), 410, condLockLost},
		{"peek-message", m("message-count", int32(1)), 400, condArgument},
		{"peek-message", m("from-sequence-number", int64(0), "message-count", int32(-1)), 400, condArgument},
		{"schedule-message", m(), 400, condArgument},
		{"schedule-message", m("messages", amqp.List{"x"}), 400, condArgument},
		{"schedule-message", m("messages", amqp.List{m("message", []byte("garbage"))}), 400, amqp.CondDecodeError},
		{"schedule-message", m("messages", amqp.List{m("message", message("not scheduled"))}), 400, condArgument},
		{"cancel-scheduled-message", m(), 400, condArgument},
		{"cancel-scheduled-message", m("sequence-numbers", amqp.List{"x"}), 400, condArgument},
		{"cancel-scheduled-message", m("sequence-numbers", one), 404, condMessageNotFound},
		{"receive-by-sequence-number", m("sequence-numbers", one), 400, condArgument},
		{"receive-by-sequence-number", m("sequence-numbers", one, "receiver-settle-mode", uint32(1)), 404, condMessageNotFound},
		{"update-disposition", m("disposition-status", "completed"), 400, condArgument},
		{"update-disposition", m("lock-tokens", token), 400, condArgument},
		{"update-disposition", m("lock-tokens", token, "disposition-status", "nonsense"), 400, condArgument},
		{"update-disposition", m("lock-tokens", token, "disposition-status", "completed"), 410, condLockLost},
		{"update-disposition", m("lock-tokens", token, "disposition-status", "abandoned"), 410, condLockLost},
		{"update-disposition", m("lock-tokens", token, "disposition-status", "defered"), 410, condLockLost},
		{"update-disposition", m("lock-tokens", token, "disposition-status", "suspended"), 410, condLockLost},
	} {
		if got := q.operate(c.operation, c.body); got.status != c.status || got.condition != c.condition {
			t.Errorf("%d: %s %v: %+v", i, c.operation, c.body, got)
		}
	}
	if got := q.ask("me", amqp.Map{}, nil); got.status != 501 {
		t.Errorf("without an operation: %+v", got)
	}
}

// Renewing answers with an array of times and scheduling with an array of longs, as the SDKs want them.
func TestManagementAnswerTypes(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	r.put("a")
	q := r.requests("q/$management", amqp.SenderSettled)
	consumer := r.queue.NewConsumer(queue.PeekLock)
	locked := consumer.TryNext(1)[0]
	got := q.operate("renew-lock", amqp.Map{{Key: "lock-tokens", Value: []amqp.UUID{amqp.UUID(locked.LockToken)}}})
	times, ok := got.body.(amqp.Map).Get("expirations").(amqp.Array)
	if !ok || got.status != 200 || len(times.Values) != 1 || times.Values[0].(time.Time).Before(locked.LockedUntil.Truncate(time.Millisecond)) {
		t.Errorf("got %+v", got)
	}
	annotation := amqp.AppendValue(amqp.AppendDescriptor(nil, amqp.DescMessageAnnotations),
		amqp.Map{{Key: amqp.Symbol(keyScheduledEnqueueTime), Value: time.Now().Add(time.Hour)}})
	scheduled := amqp.Map{{Key: "message-id", Value: "x"}, {Key: "message", Value: append(annotation, message("later")...)}}
	got = q.operate("schedule-message", amqp.Map{{Key: "messages", Value: amqp.List{scheduled, scheduled}}})
	numbers, ok := got.body.(amqp.Map).Get("sequence-numbers").(amqp.Array)
	if !ok || got.status != 200 || len(numbers.Values) != 2 || reflect.TypeOf(numbers.Values[0]) != reflect.TypeFor[int64]() {
		t.Errorf("got %+v", got)
	}
}

// Answers that their receiver takes no credit for are kept up to a limit, beyond which it loses the link.
func TestRepliesAreBounded(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	for range 4 {
		r.put(string(make([]byte, 250<<10)))
	}
	q := r.requests("q/$management", amqp.SenderSettled)
	q.credit(1, 0)
	peek := encodeRequest("me", "id", amqp.Map{{Key: "operation", Value: "com.microsoft:peek-message"}},
		amqp.Map{{Key: "from-sequence-number", Value: int64(0)}, {Key: "message-count", Value: int32(10)}})
	go func() {
		for id := range uint32(maxReplyBytes/(1<<20) + 10) {
			q.transfer(0, id, peek)
		}
	}()
	q.expectDetach(1, amqp.CondResourceLimitExceeded)
}

// Draining a link of answers is answered too.
func TestDrainReplies(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	q := r.requests("q/$management", amqp.SenderSettled)
	q.send(0, &amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), IncomingWindow: 10, Handle: amqp.Some(uint32(1)),
		DeliveryCount: amqp.Some(uint32(0)), LinkCredit: amqp.Some(uint32(5)), Drain: true})
	for {
		var f amqp.Flow
		if q.expect(amqp.DescFlow, &f); f.Handle == amqp.Some(uint32(1)) {
			if !f.Drain || f.LinkCredit.Value != 0 || f.DeliveryCount.Value != 5 {
				t.Errorf("got %+v", f)
			}
			return
		}
	}
}

// Deferred messages that are too much for one answer are refused, and not left locked.
func TestReceiveTooMuch(t *testing.T) {
	r := newRig(t, Options{}, queue.Properties{})
	body := string(make([]byte, 250<<10))
	var numbers []int64
	for size := 0; size <= maxReplyBytes; size += len(body) {
		r.put(body)
	}
	consumer := r.queue.NewConsumer(queue.PeekLock)
	for _, m := range consumer.TryNext(1000) {
		if err := r.queue.Defer(m.LockToken, nil); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, m.SequenceNumber)
	}
	q := r.requests("q/$management", amqp.SenderSettled)
	got := q.operate("receive-by-sequence-number", amqp.Map{{Key: "sequence-numbers", Value: numbers}, {Key: "receiver-settle-mode", Value: uint32(1)}})
	if got.status != 403 || got.condition != amqp.CondResourceLimitExceeded {
		t.Errorf("got %+v", got)
	}
	if n := r.queue.ExpireLocks(); n != 0 {
		t.Errorf("%d messages were left locked", n)
	}
}
