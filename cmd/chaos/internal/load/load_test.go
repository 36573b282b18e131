package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/backend"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what the scripted service has stored.
func result(t *testing.T) ([]byte, string) {
	t.Helper()
	var b bytes.Buffer
	if err := backend.Write(&b, "payload", "1", 1000); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(digest[:])
}

// scripted serves answers in turn, the last one again and again. It stands for
// services that misbehave, as the real ones cannot be made to.
func scripted(t *testing.T, answers ...http.HandlerFunc) (*Load, string) {
	t.Helper()
	turns := make(chan http.HandlerFunc, len(answers))
	for _, a := range answers {
		turns <- a
	}
	last := answers[len(answers)-1]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := last
		select {
		case answer = <-turns:
		default:
		}
		answer(w, r)
	}))
	l := New(Options{Acceptor: server.URL, Seed: 1, Journal: witness.NewJournal()})
	t.Cleanup(func() {
		l.Close()
		server.Close()
	})
	return l, server.URL
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "http://"+r.Host+"/blob", http.StatusFound)
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// TestFollow writes down how a job ended, in whichever way that is told, and
// what no promised job may be told.
func TestFollow(t *testing.T) {
	content, digest := result(t)
	blob := status(http.StatusOK, string(content))
	success := witness.Sighting{State: witness.Succeeded, Digest: digest, Payload: "payload", Attempt: "1", Whole: true}
	for name, test := range map[string]struct {
		way     int
		answers []http.HandlerFunc
		want    witness.Sighting
		strange string
	}{
		"a redirect": {byPolling, []http.HandlerFunc{redirect, blob}, success, ""},
		"a stream":   {byStreaming, []http.HandlerFunc{blob}, success, ""},
		"a cut stream": {byStreaming, []http.HandlerFunc{status(http.StatusOK, string(content[:50]))},
			witness.Sighting{State: witness.Succeeded}, ""},
		"a failure": {byWaiting, []http.HandlerFunc{status(422, `{"code":"HandlerFailed","detail":"why"}`)},
			witness.Sighting{State: witness.Failed, Code: "HandlerFailed", Message: "why"}, ""},
		"a cancel": {byWaiting, []http.HandlerFunc{status(409, `{"code":"Canceled","detail":"why"}`)},
			witness.Sighting{State: witness.Stopped, Code: "Canceled", Message: "why"}, ""},
		"pending":              {byPolling, []http.HandlerFunc{status(202, "")}, witness.Sighting{}, errAgain.Error()},
		"busy":                 {byPolling, []http.HandlerFunc{status(503, "")}, witness.Sighting{}, errAgain.Error()},
		"no answer":            {byPolling, []http.HandlerFunc{abort}, witness.Sighting{}, errAgain.Error()},
		"unknown":              {byPolling, []http.HandlerFunc{status(404, "")}, witness.Sighting{}, "404"},
		"gone":                 {byPolling, []http.HandlerFunc{status(410, "")}, witness.Sighting{}, "410"},
		"a result that is not": {byPolling, []http.HandlerFunc{redirect, status(404, "")}, witness.Sighting{}, "404"},
		"a storage error":      {byPolling, []http.HandlerFunc{redirect, status(503, "")}, witness.Sighting{}, errAgain.Error()},
		"a link to nowhere":    {byLink, []http.HandlerFunc{status(200, "{}")}, witness.Sighting{}, "without a link"},
	} {
		t.Run(name, func(t *testing.T) {
			l, url := scripted(t, test.answers...)
			got, err := l.look(t.Context(), &witness.Promise{ID: "id", StatusURL: url + "/id"}, test.way)
			got.At = time.Time{}
			if test.strange == "" && test.want.Digest == "" {
				got.Digest = "" // not what this is about
			}
			if got != test.want {
				t.Errorf("saw %+v, want %+v", got, test.want)
			}
			if (err != nil) != (test.strange != "") || err != nil && !strings.Contains(err.Error(), test.strange) {
				t.Errorf("got the error %v, want %q", err, test.strange)
			}
		})
	}
}

// TestWrongDigestIsStrange compares what a link says with what it leads to.
func TestWrongDigestIsStrange(t *testing.T) {
	content, digest := result(t)
	for said, strange := range map[string]bool{digest: false, "0000": true} {
		var l *Load
		var url string
		l, url = scripted(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"resultUrl":%q,"digest":{"sha-256":%q}}`, url+"/blob", said)
		}, status(http.StatusOK, string(content)))
		_, err := l.look(t.Context(), &witness.Promise{StatusURL: url + "/id"}, byLink)
		if (err != nil) != strange {
			t.Errorf("digest %.8s: %v", said, err)
		}
	}
}

// TestPostUntilPromised counts refusals and notes the one promise.
func TestPostUntilPromised(t *testing.T) {
	l, _ := scripted(t, status(503, ""), abort, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://status/api/RequestStatus/the-id")
		status(http.StatusAccepted, `{"id":"the-id"}`)(w, r)
	})
	p, ok := l.post(t.Context(), request{kind: witness.Quick, path: "/api/work", payload: []byte("x")})
	if !ok || p.ID != "the-id" || p.StatusURL != "http://status/api/RequestStatus/the-id" {
		t.Errorf("got %+v, %v", p, ok)
	}
	refused := l.Journal.Refused()
	if len(l.Journal.Promises()) != 1 || refused["503 Service Unavailable"] != 1 || refused["no answer"] != 1 {
		t.Errorf("noted %d promises, refused %v", len(l.Journal.Promises()), refused)
	}
}

// TestCancelKnowsWhoWon tells a cancel that ended the job from one that came
// too late.
func TestCancelKnowsWhoWon(t *testing.T) {
	for code, won := range map[int]bool{202: true, 200: false} {
		l, url := scripted(t, status(503, ""), abort, status(code, "{}"))
		p := witness.Promise{ID: "id", StatusURL: url}
		l.Journal.Accept(p)
		l.cancelLater(t.Context(), &p, 0)
		noted := l.Journal.Promises()[0]
		if !noted.CancelAsked || noted.CancelWon != won || len(noted.Strange) > 0 {
			t.Errorf("%d: noted %+v", code, noted)
		}
	}
}

// TestSeedDecidesRequests makes the same requests again, of all kinds.
func TestSeedDecidesRequests(t *testing.T) {
	seen := map[witness.Kind]bool{}
	for i := range 300 {
		one := newRequest(i, rand.New(rand.NewPCG(1, uint64(i))))
		two := newRequest(i, rand.New(rand.NewPCG(1, uint64(i))))
		if one.path != two.path || one.key != two.key || !bytes.Equal(one.payload, two.payload) {
			t.Fatalf("request %d differs", i)
		}
		seen[one.kind] = true
	}
	total := 0
	for _, m := range mix {
		total += m.share
		if !seen[m.kind] {
			t.Errorf("among 300 requests is none of kind %s", m.kind)
		}
	}
	if total != 100 {
		t.Errorf("the shares add up to %d", total)
	}
}

// TestRecover has callers come until one of them is served, and tells when the
// first was accepted and when the first had its result.
func TestRecover(t *testing.T) {
	content, _ := result(t)
	var requests atomic.Int32
	var url string
	var l *Load
	l, url = scripted(t, func(w http.ResponseWriter, r *http.Request) {
		switch n := requests.Add(1); {
		case r.Method == http.MethodPost && n <= 2:
			status(503, "")(w, r)
		case r.Method == http.MethodPost:
			w.Header().Set("Location", fmt.Sprintf("%s/id-%d", url, n))
			status(http.StatusAccepted, fmt.Sprintf(`{"id":"id-%d"}`, n))(w, r)
		case r.URL.Path == "/blob":
			status(http.StatusOK, string(content))(w, r)
		default:
			redirect(w, r)
		}
	})
	got := l.Recover(t.Context())
	if !got.OK || got.Accepted < 2*often-often/2 || got.Ended < got.Accepted {
		t.Errorf("got %+v", got)
	}
	for _, p := range l.Journal.Promises() {
		if len(p.Sightings) != 1 {
			t.Errorf("of %s the end was seen %d times", p.ID, len(p.Sightings))
		}
	}
	ctx, giveUp := context.WithTimeout(t.Context(), often)
	defer giveUp()
	l, _ = scripted(t, status(503, ""))
	if got := l.Recover(ctx); got.OK || got.Accepted < often/2 {
		t.Errorf("nobody is served, but got %+v", got)
	}
}
