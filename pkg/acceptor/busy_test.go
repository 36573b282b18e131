package acceptor_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
)

var errBroker = errors.New("amqp: link detached: secret detail")

// TestBusy states that whatever hinders the send is a 503 with Retry-After
// that keeps the cause to itself, given in time, and never a 202.
func TestBusy(t *testing.T) {
	hang := func(ctx context.Context, _ *job.Message) error { <-ctx.Done(); return ctx.Err() }
	for name, fail := range map[string]func(context.Context, *job.Message) error{
		"broker full":      func(context.Context, *job.Message) error { return job.ErrBusy },
		"broker gone":      func(context.Context, *job.Message) error { return errBroker },
		"queue not there":  func(context.Context, *job.Message) error { return job.ErrNotFound },
		"outcome unknown":  hang,
		"refused in a way": func(context.Context, *job.Message) error { return &job.Error{Code: job.CodeForbidden, Err: errBroker} },
	} {
		t.Run(name, func(t *testing.T) {
			sent := &queue{fail: fail}
			s := start(t, acceptor.Options{Sender: sent, SendTimeout: 50 * time.Millisecond}, nil)
			begin := time.Now()
			got := s.post("/api/anything", strings.NewReader("payload"))
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("answered after %v", took)
			}
			p := decode[problem](t, got)
			if got.StatusCode != 503 || p.Code != job.CodeServerBusy || got.Header.Get("Retry-After") == "" || got.Header.Get("Location") != "" {
				t.Errorf("answered %s: %s, %v", got.Status, got.body, got.Header)
			}
			if text := string(got.body); strings.Contains(text, "secret") || strings.Contains(text, "requestGuid") {
				t.Errorf("the caller is told the cause, or an id to poll: %s", text)
			}
		})
	}
}

// TestQueueTakesLess states that a queue with a smaller message limit than
// ours gets the claim check instead.
func TestQueueTakesLess(t *testing.T) {
	payloads, _ := payloadStore(t)
	sent := &queue{fail: func(_ context.Context, m *job.Message) error {
		if len(m.Body) > 10 {
			return job.ErrTooLarge
		}
		return nil
	}}
	s := start(t, acceptor.Options{Sender: sent, Payloads: payloads}, nil)
	content := []byte("more than ten bytes")
	if got := s.post("/api/anything", bytes.NewReader(content), "Content-Type", "application/x-test"); got.StatusCode != http.StatusAccepted {
		t.Fatalf("answered %s: %s", got.Status, got.body)
	}
	checkPayload(t, payloads, sent.sent()[0], content, true)
}
