package client_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/client"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// zeros is as long as one likes.
type zeros struct{ read atomic.Int64 }

func (z *zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	z.read.Add(int64(len(p)))
	return len(p), nil
}

// TestRefusedBeforeSent states that a payload that will not be taken is hardly
// sent, and that the refusal is understood.
func TestRefusedBeforeSent(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	direct, err := client.New(s.direct, nil) // the proxy would answer before the acceptor does
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(direct.CloseIdleConnections)
	for name, r := range map[string]*client.Request{
		"too large":  {Operation: "echo"},
		"wrong type": {Operation: "greet", ContentType: "text/plain"},
		"no such":    {Operation: "nothing"},
	} {
		source := &zeros{}
		r.Body = io.NewSectionReader(source, 0, 1<<30)
		_, err := direct.Submit(t.Context(), r)
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code == "" || p.Status >= 500 {
			t.Errorf("%s: submit gives %v", name, err)
		}
		if n := source.read.Load(); n > 1<<20 {
			t.Errorf("%s: %d bytes were read for nothing", name, n)
		}
	}
}

// TestPayloadAgain states that each try sends the whole payload, by HTTP/1.1
// and by HTTP/2, whatever became of the try before: answered before the payload
// was read, in the middle of it, or not at all.
func TestPayloadAgain(t *testing.T) {
	t.Parallel()
	content := bulk(3 << 20)
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			keys := make(chan string, 8)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				keys <- r.Header.Get("Idempotency-Key")
				switch tries.Add(1) {
				case 1:
					w.WriteHeader(http.StatusServiceUnavailable)
				case 2:
					_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
					w.WriteHeader(http.StatusServiceUnavailable)
				case 3:
					_, _ = io.CopyN(io.Discard, r.Body, 2<<20)
					panic(http.ErrAbortHandler)
				case 4:
					_, _ = io.Copy(io.Discard, r.Body) // without which nobody sees the client leave
					<-r.Context().Done()
				default:
					got := sha256.New()
					_, err := io.Copy(got, r.Body)
					if want := sha256.Sum256(content); err != nil || !bytes.Equal(got.Sum(nil), want[:]) || (r.ProtoMajor == 2) != http2 {
						t.Errorf("by %s another payload arrives, %v", r.Proto, err)
					}
					w.Header().Set("Location", "/api/RequestStatus/"+someID)
					w.WriteHeader(http.StatusAccepted)
					_, _ = io.WriteString(w, `{"status":"Accepted"}`)
				}
			}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			c, err := client.New(server.URL, &client.Options{Transport: server.Client().Transport, IdleTimeout: 2 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			j, err := c.Submit(t.Context(), &client.Request{Operation: "x", Body: bytes.NewReader(content)})
			if err != nil || j.Token() != server.URL+"/api/RequestStatus/"+someID || j.Seen().State != client.Accepted {
				t.Fatalf("job is %v, %v", j, err)
			}
			first := <-keys
			for range tries.Load() - 1 {
				if key := <-keys; key != first || len(key) < 20 {
					t.Errorf("keys %s and %s", first, key)
				}
			}
		})
	}
}

// TestPayloadAnew states that a payload may be given anew for each try.
func TestPayloadAnew(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	given, closed := 0, 0
	s.acceptor.Inject(1, isPost, faults["reply lost"])
	j := s.done(&client.Request{Operation: "echo", GetBody: func() (io.ReadCloser, error) {
		given++
		return &closing{Reader: bytes.NewReader([]byte("anew")), closed: &closed}, nil
	}}, nil)
	result, err := j.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, result, []byte("anew"))
	if given != 2 || closed != 2 || s.handlers.jobs() != 1 {
		t.Errorf("given %d times, closed %d, %d jobs", given, closed, s.handlers.jobs())
	}
	if st := j.Seen(); st.State != job.StatusSucceeded {
		t.Errorf("seen last: %+v", st)
	}
}

type closing struct {
	io.Reader
	closed *int
}

func (c *closing) Close() error { *c.closed++; return nil }
