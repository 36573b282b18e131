package builtin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker/builtin"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// The answer repeats the customer and says which request and when.
func TestCustomer(t *testing.T) {
	id := job.ID{6: 0x80, 8: 0x80, 15: 5}
	o := workertest.Run(t.Context(), builtin.Customer(), workertest.Request{
		ID: id, Attempt: 2, Payload: []byte(`{"id":"7","customername":"Ann","vip":true}`),
	})
	if o.Err != nil || o.ContentType != "application/json" {
		t.Fatalf("%v, %s", o.Err, o.ContentType)
	}
	got := decode(t, o.Result)
	if got["id"] != "7" || got["customername"] != "Ann" || got["requestGuid"] != id.String() || got["attempt"] != 2.0 {
		t.Errorf("got %v", got)
	}
	at, err := time.Parse(time.RFC3339Nano, got["processedAt"].(string))
	if err != nil || time.Since(at) > time.Minute {
		t.Errorf("processed at %v", got["processedAt"])
	}
}

// What lacks its fields fails for good, also when no schema stood before it.
func TestCustomerRefuses(t *testing.T) {
	for payload, message := range map[string]string{
		"": "non-empty id and customername", `{"id":"7"}`: "non-empty id", `{"id":"","customername":"Ann"}`: "non-empty id",
		`{"id":7,"customername":"Ann"}`: "payload's id is not of the right type", `nonsense`: "not JSON",
	} {
		expectUnfit(t, workertest.Run(t.Context(), builtin.Customer(), workertest.Request{Payload: []byte(payload)}), job.CodeInvalidPayload, message)
	}
	for _, duration := range []string{"5", "-1s", "2m", "soon"} {
		o := workertest.Run(t.Context(), builtin.Customer(), workertest.Request{
			Payload: []byte(`{"id":"7","customername":"Ann"}`), Query: "duration=" + duration})
		expectUnfit(t, o, job.CodeInvalidParameter, "between 0s and 1m")
	}
}

// A duration makes it take that long, with progress on the way.
func TestCustomerDuration(t *testing.T) {
	start := time.Now()
	o := workertest.Run(t.Context(), builtin.Customer(), workertest.Request{
		Payload: []byte(`{"id":"7","customername":"Ann"}`), Query: "duration=200ms"})
	if o.Err != nil || time.Since(start) < 200*time.Millisecond {
		t.Errorf("%v after %s", o.Err, time.Since(start))
	}
	if len(o.Progress) != 20 || o.Progress[10] != (workertest.Progress{Percent: 50, Message: "step 11 of 20"}) {
		t.Errorf("progress %v", o.Progress)
	}
}

// Given up, it ends at once.
func TestCustomerCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(job.ErrCanceled)
	start := time.Now()
	o := workertest.Run(ctx, builtin.Customer(), workertest.Request{
		Payload: []byte(`{"id":"7","customername":"Ann"}`), Query: "duration=1m"})
	if !errors.Is(o.Err, job.ErrCanceled) || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %s", o.Err, time.Since(start))
	}
}
