package wire

import (
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// manage answers a request to the $management node of a queue
// (https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response).
func manage(q *queue.Queue, req *request) reply {
	body, _ := req.body.(amqp.Map)
	operation := req.text("operation")
	var answer []byte
	var err error
	switch operation {
	case "com.microsoft:renew-lock":
		answer, err = renewLock(q, body)
	case "com.microsoft:peek-message":
		answer, err = peek(q, body)
	case "com.microsoft:schedule-message":
		answer, err = schedule(q, body)
	case "com.microsoft:cancel-scheduled-message":
		err = cancelScheduled(q, body)
	case "com.microsoft:receive-by-sequence-number":
		answer, err = receiveBySequence(q, body)
	case "com.microsoft:update-disposition":
		err = updateDisposition(q, body)
	default:
		err = failure(amqp.CondNotImplemented, "operation '%.100s' is not supported", operation)
	}
	switch {
	case err != nil:
		return refusal(amqpError(err))
	case answer == nil && operation == "com.microsoft:peek-message":
		return reply{status: 204, description: "No Content", condition: condMessageNotFound}
	}
	return reply{status: 200, description: "OK", body: answer}
}

// badArgument is the failure of a request with a field that is missing or of the wrong type.
func badArgument(name string) error {
	return failure(condArgument, "'%s' is missing or of the wrong type", name)
}

// longs gives a field that is an array or list of integers.
func longs(body amqp.Map, name string) ([]int64, error) {
	values := items(body.Get(name))
	numbers := make([]int64, 0, len(values))
	for _, v := range values {
		n, ok := integer(v)
		if !ok {
			return nil, badArgument(name)
		}
		numbers = append(numbers, n)
	}
	if len(numbers) == 0 {
		return nil, badArgument(name)
	}
	return numbers, nil
}

// tokens gives the field of lock tokens.
func tokens(body amqp.Map) ([]queue.Token, error) {
	const name = "lock-tokens"
	values := items(body.Get(name))
	list := make([]queue.Token, 0, len(values))
	for _, v := range values {
		t, ok := v.(amqp.UUID)
		if !ok {
			return nil, badArgument(name)
		}
		list = append(list, queue.Token(t))
	}
	if len(list) == 0 {
		return nil, badArgument(name)
	}
	return list, nil
}

// items gives the values of an array or list.
func items(v any) []any {
	switch v := v.(type) {
	case amqp.Array:
		return v.Values
	case amqp.List:
		return v
	}
	return nil
}

// integer gives a value of any integer type.
func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int32:
		return int64(n), true
	case uint32:
		return int64(n), true
	case uint64:
		return int64(n), true
	}
	return 0, false
}

// field appends a map with one field, whose value the caller appends next; finish it with EndMap.
func field(name string) (b []byte, start int) {
	b, start = amqp.BeginMap(nil)
	return amqp.AppendString(b, name), start
}
