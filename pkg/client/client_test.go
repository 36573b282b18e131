package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/client"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestInOneCall states that a job is submitted, waited for and fetched in one
// call, with payloads that fit a message and ones that do not.
func TestInOneCall(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	for name, content := range map[string][]byte{"empty": {}, "small": []byte("hello"), "claim-checked": bulk(2 << 20)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := s.with(t).client(nil).Do(t.Context(), &client.Request{
				Operation: "echo", ContentType: "image/x-test", Body: bytes.NewReader(content),
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			wantContent(t, result, content)
			if result.Size != int64(len(content)) || result.ContentType != "image/x-test" || result.FileName != "echo.bin" || len(result.SHA256()) != 64 {
				t.Errorf("result is %+v", result.Link)
			}
		})
	}
	t.Run("typed", func(t *testing.T) {
		t.Parallel()
		got, err := client.Call[greeting](t.Context(), s.with(t).client(nil), "greet", person{Name: "Ada"}, nil)
		if err != nil || got.Text != "Hello, Ada" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("through the status service", func(t *testing.T) {
		t.Parallel()
		c := s.with(t).client(&client.Options{ThroughService: true, StorageTransport: noStorage{t}})
		content := bulk(1 << 20)
		result, err := c.Do(t.Context(), &client.Request{Operation: "echo", Body: bytes.NewReader(content)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantContent(t, result, content)
	})
}

func wantContent(t *testing.T, result *client.Result, want []byte) {
	t.Helper()
	defer result.Close()
	got, err := io.ReadAll(result)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("result has %d bytes, %v; want %d, the same as sent", len(got), err, len(want))
	}
}

// noStorage is a transport that must not be used.
type noStorage struct{ t *testing.T }

func (n noStorage) RoundTrip(*http.Request) (*http.Response, error) {
	n.t.Error("a request went to storage")
	return nil, errors.New("not this way")
}

// TestSteps states that a job can be followed step by step: its result is
// refused while it runs, progress is seen, and the last status says that it
// succeeded.
func TestSteps(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	j, err := s.client(nil).Submit(t.Context(), &client.Request{Operation: "held"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Result(t.Context()); !client.IsNotFinished(err) {
		t.Errorf("the result of a pending job gives %v", err)
	}
	<-s.handlers.started
	var states []job.Status
	progressed := false
	last, err := j.Wait(t.Context(), &client.WaitOptions{Progress: func(st *client.Status) {
		states = append(states, st.State)
		if st.PercentComplete == 40 && st.Message == "holding" && !progressed {
			progressed = true
			s.handlers.release <- struct{}{}
		}
	}})
	if err != nil || last.State != job.StatusSucceeded || last.PercentComplete != 100 || last.Operation != "held" {
		t.Fatalf("wait gives %+v, %v", last, err)
	}
	if !progressed || states[len(states)-1] != job.StatusSucceeded {
		t.Errorf("seen: %v", states)
	}
	result, err := j.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, result, []byte("released"))
}

// TestLongPoll states that a wait costs hardly more requests than there is
// news, and ends at once when the job does, however large Retry-After may be.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	j, err := s.client(nil).Submit(t.Context(), &client.Request{Operation: "held"})
	if err != nil {
		t.Fatal(err)
	}
	<-s.handlers.started
	news := 0
	go func() {
		time.Sleep(2 * time.Second) // for which a poller would have asked again and again
		s.handlers.release <- struct{}{}
	}()
	if _, err := j.Wait(t.Context(), &client.WaitOptions{Progress: func(*client.Status) { news++ }}); err != nil {
		t.Fatal(err)
	}
	if asked := len(s.status.Requests()); asked > news+1 {
		t.Errorf("%d requests for %d news", asked, news)
	}
}

// TestFailure states that how a job failed, and why a request was refused, are
// problems that can be told apart.
func TestFailure(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	c := s.client(nil)

	t.Run("failed job", func(t *testing.T) {
		j, err := c.Submit(t.Context(), &client.Request{Operation: "fail"})
		if err != nil {
			t.Fatal(err)
		}
		last, err := j.Wait(t.Context(), nil)
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || !client.IsFailed(err) || client.IsCanceled(err) || p.Code != "TooBlurred" || p.Detail != "Take it again." || p.Failure == nil {
			t.Errorf("wait gives %+v", err)
		}
		if last == nil || last.State != job.StatusFailed || last.Failure.Code != "TooBlurred" || last.FinishedAt.IsZero() {
			t.Errorf("last status is %+v", last)
		}
		st, err := j.Status(t.Context())
		if err != nil || st.State != job.StatusFailed || !client.IsFailed(st.Err()) {
			t.Errorf("status is %+v, %v", st, err)
		}
		if _, err := j.Result(t.Context()); !client.IsFailed(err) {
			t.Errorf("result gives %v", err)
		}
		if _, err := c.Do(t.Context(), &client.Request{Operation: "fail"}, nil); !client.IsFailed(err) || job.CodeOf(err) != "TooBlurred" {
			t.Errorf("do gives %v", err)
		}
	})
	t.Run("unknown operation", func(t *testing.T) {
		_, err := c.Submit(t.Context(), &client.Request{Operation: "none/such"})
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || p.Code != job.CodeUnknownOperation || p.Status != http.StatusNotFound || p.RequestID == "" || client.IsFailed(err) {
			t.Errorf("submit gives %#v", err)
		}
	})
	t.Run("bad payload", func(t *testing.T) {
		_, err := client.Call[greeting](t.Context(), c, "greet", map[string]int{"age": 3}, nil)
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || p.Code != job.CodeInvalidPayload || len(p.Errors) == 0 || !strings.Contains(err.Error(), "/name") {
			t.Errorf("call gives %v", err)
		}
	})
	t.Run("unknown job", func(t *testing.T) {
		j, err := c.Resume(s.status.URL() + "/api/RequestStatus/01a1fd92-adc2-84fa-9c25-373d675ffcb4")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Wait(t.Context(), nil); !client.IsUnknown(err) || !errors.Is(err, job.ErrNotFound) && !errors.Is(err, &job.Error{Code: job.CodeGone}) {
			t.Errorf("wait gives %v", err)
		}
	})
}

// TestCancel states that a running job is canceled, that whoever waits for it
// learns so, and that canceling again changes nothing.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	j, err := s.client(nil).Submit(t.Context(), &client.Request{Operation: "held"})
	if err != nil {
		t.Fatal(err)
	}
	<-s.handlers.started
	waited := make(chan error, 1)
	go func() {
		_, err := j.Wait(t.Context(), nil)
		waited <- err
	}()
	for range 2 {
		st, err := j.Cancel(t.Context())
		if err != nil || st.State != job.StatusCanceled || !client.IsCanceled(st.Err()) {
			t.Errorf("cancel gives %+v, %v", st, err)
		}
	}
	if err := <-waited; !client.IsCanceled(err) || client.IsFailed(err) {
		t.Errorf("wait gives %v", err)
	}
}

// TestResume states that a token is enough to go on with a job, in a client
// that knows nothing else, and that a client that expects its jobs elsewhere
// refuses it.
func TestResume(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	j, err := s.client(nil).Submit(t.Context(), &client.Request{Operation: "echo", Body: strings.NewReader("kept")})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ statusURL, token string }{
		"token":           {token: j.Token()},
		"token checked":   {statusURL: s.status.URL(), token: j.Token()},
		"with variants":   {token: j.Token() + "?onComplete=stream&onPending=synchronous"},
		"id":              {statusURL: s.status.URL() + "/", token: j.ID().String()},
		"upper-case id":   {statusURL: s.status.URL(), token: strings.ToUpper(j.ID().String())},
		"with a fragment": {token: j.Token() + "#x"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := client.New("", &client.Options{StatusURL: test.statusURL})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseIdleConnections()
			resumed, err := c.Resume(test.token)
			if err != nil {
				t.Fatal(err)
			}
			if resumed.Token() != j.Token() || resumed.ID() != j.ID() {
				t.Errorf("token is %s, want %s", resumed.Token(), j.Token())
			}
			if _, err := resumed.Wait(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			result, err := resumed.Result(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wantContent(t, result, []byte("kept"))
		})
	}
}

// TestLostSight states that a context that ends ends the wait and not the job,
// and that the error leads back to it.
func TestLostSight(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	c := s.client(nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.Do(ctx, &client.Request{Operation: "held"}, &client.WaitOptions{Progress: func(*client.Status) { cancel() }})
	pending, ok := errors.AsType[*client.PendingError](err)
	if !ok || !errors.Is(err, context.Canceled) {
		t.Fatalf("do gives %v", err)
	}
	<-s.handlers.started
	s.handlers.release <- struct{}{}
	if _, err := pending.Job.Wait(t.Context(), nil); err != nil {
		t.Errorf("the job did not go on: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, &client.Request{Operation: "held"}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its deadline do gives %v", err)
	}
}

// TestOperations states that a client can find out what there is.
func TestOperations(t *testing.T) {
	t.Parallel()
	all, err := newSystem(t, nil).client(nil).Operations(t.Context())
	if err != nil || len(all) != 4 || all[0].Name != "echo" || all[0].MaxPayload != 64<<20 && all[0].MaxPayload != 64_000_000 {
		t.Errorf("operations are %+v, %v", all, err)
	}
}
