package acceptor_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

var _ acceptor.Reservations = (*tablestore.Reservations)(nil)

// reservations gives an empty store of reservations in Azurite.
func reservations(t *testing.T) *tablestore.Reservations {
	t.Helper()
	settings := azure.Storage{ConnectionString: localazuretest.Storage(t).ConnectionString()}
	clients, err := settings.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clients.Close)
	return tablestore.NewReservations(clients.Tables, &tablestore.Options{TablePrefix: localazuretest.Name(t)})
}

// keyedAnswer posts with a key and gives the 202, or the problem's code.
func (s *service) postKeyed(key, path, body string, header ...string) (acceptor.Accepted, job.Code) {
	s.t.Helper()
	got := s.post(path, strings.NewReader(body), append(header, "Idempotency-Key", key)...)
	if got.StatusCode == http.StatusAccepted {
		return decode[acceptor.Accepted](s.t, got), ""
	}
	return acceptor.Accepted{}, decode[problem](s.t, got).Code
}

// TestSameKeySameJob states that requests with one key are one job with one
// 202, and put one message into the queue, while another payload, content type
// or query string with it is refused.
func TestSameKeySameJob(t *testing.T) {
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Reservations: reservations(t)}, nil)
	text := []string{"Content-Type", "text/plain"}
	first, code := s.postKeyed(`"key 1"`, "/api/anything?a=1", "payload", text...)
	if code != "" {
		t.Fatal(code)
	}
	for range 3 {
		if again, code := s.postKeyed(`"key 1"`, "/api/anything?a=1", "payload", text...); again != first {
			t.Errorf("again: %+v %s, want %+v", again, code, first)
		}
	}
	if m := sent.sent(); len(m) != 1 || m[0].ID != first.ID || !m[0].SubmittedAt.Equal(first.SubmittedAt) {
		t.Errorf("queued %+v, want one message of %+v", m, first)
	}
	for name, post := range map[string]func() (acceptor.Accepted, job.Code){
		"another payload": func() (acceptor.Accepted, job.Code) {
			return s.postKeyed(`"key 1"`, "/api/anything?a=1", "Payload", text...)
		},
		"another content type": func() (acceptor.Accepted, job.Code) { return s.postKeyed(`"key 1"`, "/api/anything?a=1", "payload") },
		"another query": func() (acceptor.Accepted, job.Code) {
			return s.postKeyed(`"key 1"`, "/api/anything?a=2", "payload", text...)
		},
	} {
		if _, code := post(); code != job.CodeKeyReused {
			t.Errorf("%s: %q", name, code)
		}
	}
	if m := sent.sent(); len(m) != 1 {
		t.Errorf("queued %d messages", len(m))
	}
}

// TestKeysOfOthers states that a key is its caller's and its operation's own.
func TestKeysOfOthers(t *testing.T) {
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Reservations: reservations(t), Owner: ownerByHeader}, nil)
	ids := map[job.ID]bool{}
	for _, request := range []struct{ owner, path string }{{"a", "/api/anything"}, {"b", "/api/anything"}, {"a", "/api/small"}} {
		got, code := s.postKeyed("key", request.path, "payload", "X-Owner", request.owner)
		if code != "" {
			t.Fatal(code)
		}
		ids[got.ID] = true
	}
	if len(ids) != 3 || len(sent.sent()) != 3 {
		t.Errorf("%d jobs, %d messages", len(ids), len(sent.sent()))
	}
}

// TestConcurrentDuplicatesAgree states that of requests with one key that come
// at once all that are accepted have the same 202, small or claim-checked, and
// that the payload of their one job is there.
func TestConcurrentDuplicatesAgree(t *testing.T) {
	payloads, blobs := payloadStore(t)
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Reservations: reservations(t), Payloads: payloads, InlineLimit: 100}, nil)
	for key, body := range map[string]string{"small": "payload", "large": strings.Repeat("payload", 100)} {
		answers := make([]acceptor.Accepted, 16)
		var requests sync.WaitGroup
		for i := range answers {
			requests.Go(func() {
				var code job.Code
				if answers[i], code = s.postKeyed(key, "/api/anything", body); code != "" {
					t.Errorf("%s: %s", key, code)
				}
			})
		}
		requests.Wait()
		for _, a := range answers {
			if a != answers[0] {
				t.Errorf("%s: %+v and %+v", key, a, answers[0])
			}
		}
		for _, m := range sent.sent() {
			if m.ID != answers[0].ID && m.Size() == int64(len(body)) {
				t.Errorf("%s: queued %+v", key, m)
			}
			if m.PayloadBlob != "" && !contains(blobs(), m.PayloadBlob) {
				t.Errorf("%s: the payload of %+v is not there", key, m)
			}
		}
	}
	if left := blobs(); len(left) != 1 {
		t.Errorf("left %v, want the one payload that counts", left)
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// TestRetryHealsAFailedSend states that a request that got a 503, because the
// send failed or may have, is healed by the caller's retry: the same id is sent
// with a payload that is there, and what the first one stored is not deleted.
func TestRetryHealsAFailedSend(t *testing.T) {
	for name, body := range map[string]string{"small": "payload", "large": strings.Repeat("payload", 100)} {
		t.Run(name, func(t *testing.T) {
			payloads, blobs := payloadStore(t)
			sent := &queue{}
			var tried []job.Message
			failing := &queue{fail: func(_ context.Context, m *job.Message) error {
				tried = append(tried, *m)
				return job.ErrBusy
			}}
			store := reservations(t)
			dying := start(t, acceptor.Options{Sender: failing, Reservations: store, Payloads: payloads, InlineLimit: 100}, nil)
			for range 2 {
				if _, code := dying.postKeyed("key", "/api/anything", body); code != job.CodeServerBusy {
					t.Fatalf("answered %q", code)
				}
			}
			// Another acceptor, as after a crash.
			s := start(t, acceptor.Options{Sender: sent, Reservations: store, Payloads: payloads, InlineLimit: 100}, nil)
			got, code := s.postKeyed("key", "/api/anything", body)
			if code != "" {
				t.Fatal(code)
			}
			m := sent.sent()[0]
			if m.ID != got.ID || tried[0].ID != got.ID || tried[1].ID != got.ID || m.PayloadBlob != tried[0].PayloadBlob {
				t.Errorf("tried %+v, then sent %+v, answered %+v", tried, m, got)
			}
			if m.PayloadBlob == "" && string(m.Body) != body || m.PayloadBlob != "" && !contains(blobs(), m.PayloadBlob) {
				t.Errorf("sent %+v without its payload", m)
			}
			if len(blobs()) > 1 {
				t.Errorf("left %v", blobs())
			}
		})
	}
}

// stubborn is a store of reservations whose writes fail as told.
type stubborn struct {
	acceptor.Reservations
	insert, update error // nil: goes through
	late           bool  // the write is done all the same
}

func (s *stubborn) Insert(ctx context.Context, r *job.Reservation) error {
	if s.insert == nil || s.late {
		return errors.Join(s.Reservations.Insert(ctx, r), s.insert)
	}
	return s.insert
}

func (s *stubborn) Update(ctx context.Context, r *job.Reservation) error {
	if s.update == nil {
		return s.Reservations.Update(ctx, r)
	}
	return s.update
}

// TestReservationInDoubt states that a reservation that may or may not have
// been written is a 503 and no message, and that the retry is accepted.
func TestReservationInDoubt(t *testing.T) {
	for _, late := range []bool{false, true} {
		payloads, blobs := payloadStore(t)
		sent := &queue{}
		store := &stubborn{Reservations: reservations(t), insert: job.ErrBusy, late: late}
		s := start(t, acceptor.Options{Sender: sent, Reservations: store, Payloads: payloads, InlineLimit: 3}, nil)
		if _, code := s.postKeyed("key", "/api/anything", "payload"); code != job.CodeServerBusy || len(sent.sent()) > 0 {
			t.Errorf("late %v: answered %q, queued %v", late, code, sent.sent())
		}
		store.insert = nil
		got, code := s.postKeyed("key", "/api/anything", "payload")
		if m := sent.sent(); code != "" || len(m) != 1 || m[0].ID != got.ID || !contains(blobs(), m[0].PayloadBlob) {
			t.Errorf("late %v: again: %q, queued %+v", late, code, m)
		}
	}
}

// TestReservationFoundWritten states that a reservation whose reply was lost,
// so that writing it again found it there, is the request's own: its payload
// stays.
func TestReservationFoundWritten(t *testing.T) {
	payloads, blobs := payloadStore(t)
	sent := &queue{}
	store := &stubborn{Reservations: reservations(t), insert: job.ErrExists, late: true}
	s := start(t, acceptor.Options{Sender: sent, Reservations: store, Payloads: payloads, InlineLimit: 3}, nil)
	got, code := s.postKeyed("key", "/api/anything", "payload")
	if m := sent.sent(); code != "" || len(m) != 1 || m[0].ID != got.ID || !contains(blobs(), m[0].PayloadBlob) {
		t.Errorf("answered %q, queued %+v, stored %v", code, m, blobs())
	}
}

// TestUnmarkedIsSentAgain states that a message of which it was not noted that
// it is in the queue is sent again under the same id, for a shorter time, and
// not at all when the job has expired.
func TestUnmarkedIsSentAgain(t *testing.T) {
	sent := &queue{}
	store := &stubborn{Reservations: reservations(t), update: job.ErrBusy}
	s := start(t, acceptor.Options{Sender: sent, Reservations: store}, nil)
	first, _ := s.postKeyed("key", "/api/anything", "payload")
	again, _ := s.postKeyed("key", "/api/anything", "payload")
	m := sent.sent()
	if first != again || len(m) != 2 || m[0].ID != m[1].ID || m[1].TimeToLive >= m[0].TimeToLive || m[1].TimeToLive < 50*time.Minute {
		t.Errorf("%+v, then %+v; queued %+v", first, again, m)
	}

	known, err := store.Get(t.Context(), job.ReservationKey("", "anything", "key"))
	if err != nil {
		t.Fatal(err)
	}
	known.ID = job.NewIssuer(s.keys, func() time.Time { return time.Now().Add(-time.Hour) }).Issue("")
	store.update = nil
	if err := store.Update(t.Context(), &known); err != nil {
		t.Fatal(err)
	}
	expired, code := s.postKeyed("key", "/api/anything", "payload")
	if code != "" || expired.ID != known.ID || len(sent.sent()) != 2 {
		t.Errorf("after the queue timeout: %+v %s, %d messages", expired, code, len(sent.sent()))
	}
}

// TestKeyExpires states that a key stands for a new job when its lifetime is
// over, and that those who come at once then agree as well.
func TestKeyExpires(t *testing.T) {
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Reservations: reservations(t), KeyLifetime: time.Nanosecond}, nil)
	first, _ := s.postKeyed("key", "/api/anything", "payload")
	second, code := s.postKeyed("key", "/api/anything", "another payload")
	if code != "" || first.ID == second.ID || len(sent.sent()) != 2 {
		t.Errorf("%+v, then %+v %s", first, second, code)
	}
}

// TestRepeatedLargePayload states that a repeated large payload is compared
// without being stored, and refused like any other when it is not the same.
func TestRepeatedLargePayload(t *testing.T) {
	payloads, blobs := payloadStore(t)
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Reservations: reservations(t), Payloads: payloads}, nil)
	large := pattern(acceptor.DefaultInlineLimit + 1)
	other := bytes.Clone(large)
	other[len(other)-1]++
	post := func(body []byte) answer {
		return s.post("/api/anything", chunked{bytes.NewReader(body)}, "Idempotency-Key", "key")
	}
	first := decode[acceptor.Accepted](t, post(large))
	if again := decode[acceptor.Accepted](t, post(large)); again != first {
		t.Errorf("%+v, then %+v", first, again)
	}
	if got := post(other); got.StatusCode != http.StatusUnprocessableEntity || decode[problem](t, got).Code != job.CodeKeyReused {
		t.Errorf("another payload: %s %s", got.Status, got.body)
	}
	if left := blobs(); len(left) != 1 || left[0] != sent.sent()[0].PayloadBlob {
		t.Errorf("left %v", left)
	}
}

// TestKeyedTooLargeForQueue states that a payload that the queue turns out not
// to take is claim-checked, with a key too.
func TestKeyedTooLargeForQueue(t *testing.T) {
	payloads, blobs := payloadStore(t)
	sent := &queue{fail: func(_ context.Context, m *job.Message) error {
		if len(m.Body) > 10 {
			return job.ErrTooLarge
		}
		return nil
	}}
	s := start(t, acceptor.Options{Sender: sent, Reservations: reservations(t), Payloads: payloads}, nil)
	got, code := s.postKeyed("key", "/api/anything", "more than ten bytes")
	again, _ := s.postKeyed("key", "/api/anything", "more than ten bytes")
	if m := sent.sent(); code != "" || again != got || len(m) != 1 || m[0].ID != got.ID || !contains(blobs(), m[0].PayloadBlob) {
		t.Errorf("%+v %s, then %+v; queued %+v", got, code, again, m)
	}
}

// TestKeysSyntax states which keys are taken, which are the same, and that
// others are refused before the payload is looked at.
func TestKeysSyntax(t *testing.T) {
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Reservations: reservations(t)}, nil)
	ids := map[job.ID]string{}
	for _, same := range [][]string{
		{"abc", `"abc"`, ` "abc" `},
		{`"8e03978e-40d5-43dd-bc93-6894a57f9324"`, "8e03978e-40d5-43dd-bc93-6894a57f9324"},
		{`"with \"quotes\" and \\"`}, {"a/b+c==", `"a/b+c=="`}, {`" "`}, {strings.Repeat("k", 255)},
	} {
		var first acceptor.Accepted
		for i, key := range same {
			got, code := s.postKeyed(key, "/api/anything", "payload")
			if i == 0 {
				first = got
			}
			if code != "" || got != first {
				t.Errorf("%s: %q %+v, want %+v", key, code, got, first)
			}
		}
		if other, ok := ids[first.ID]; ok {
			t.Errorf("%q and %q are one job", other, same[0])
		}
		ids[first.ID] = same[0]
	}
	before := len(sent.sent())
	for _, key := range []string{
		"", " ", `""`, `"`, `"abc`, `abc"`, `"a"b`, `"a" "b"`, `"\x"`, `"\`, "a b", "a,b", `"a";p=1`, "ü", `"ü"`, strings.Repeat("k", 256),
	} {
		if _, code := s.postKeyed(key, "/api/anything", "payload"); code != job.CodeInvalidRequest {
			t.Errorf("%q: %q", key, code)
		}
	}
	got := s.post("/api/anything", nil, "Idempotency-Key", "a", "Idempotency-Key", "a")
	if got.StatusCode != http.StatusBadRequest || len(sent.sent()) != before {
		t.Errorf("two keys: %s", got.Status)
	}
}

// unused is a store of reservations that no test expects to be asked.
type unused struct{ t *testing.T }

func (u unused) Get(context.Context, string) (job.Reservation, error) {
	u.t.Error("a key was looked up")
	return job.Reservation{}, job.ErrBusy
}
func (u unused) Insert(context.Context, *job.Reservation) error {
	u.t.Error("insert")
	return job.ErrBusy
}
func (u unused) Update(context.Context, *job.Reservation) error {
	u.t.Error("update")
	return job.ErrBusy
}

// TestNoKeyPaysNothing states that a request without a key never touches the
// store of reservations, and that one with a key is refused where there is none.
func TestNoKeyPaysNothing(t *testing.T) {
	s := start(t, acceptor.Options{Reservations: unused{t}}, nil)
	if got := s.post("/api/anything", strings.NewReader("payload")); got.StatusCode != http.StatusAccepted {
		t.Errorf("answered %s", got.Status)
	}
	without := start(t, acceptor.Options{}, nil)
	if _, code := without.postKeyed("key", "/api/anything", "payload"); code != job.CodeInvalidRequest {
		t.Errorf("without a store: %q", code)
	}
}

// TestKeyedBrokenBody states that a repeated request whose body breaks the
// rules is refused as the first one would be.
func TestKeyedBrokenBody(t *testing.T) {
	payloads, _ := payloadStore(t)
	s := start(t, acceptor.Options{Reservations: reservations(t), Payloads: payloads, InlineLimit: 10}, nil)
	if _, code := s.postKeyed("key", "/api/small", strings.Repeat("x", 100)); code != "" {
		t.Fatal(code)
	}
	got := s.post("/api/small", chunked{io.LimitReader(strings.NewReader(strings.Repeat("x", 2000)), 2000)}, "Idempotency-Key", "key")
	if got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %s: %s", got.Status, got.body)
	}
}
