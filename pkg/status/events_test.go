package status_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/status"
)

// event is one block of an event stream.
type event struct {
	name, id, comment string
	data              map[string]any
}

// listener reads an event stream as a browser does.
type listener struct {
	t      *testing.T
	events chan event // closed at the end of the stream
	cancel context.CancelFunc
}

func (f *fixture) listen(id job.ID, headers ...string) *listener {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	f.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.base+statusPath(id)+"/events", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := f.client.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		f.t.Fatalf("%d %s", response.StatusCode, response.Header)
	}
	l := &listener{t: f.t, events: make(chan event, 100), cancel: cancel}
	go func() {
		defer response.Body.Close()
		defer close(l.events)
		l.read(bufio.NewScanner(response.Body))
	}()
	return l
}

func (l *listener) read(lines *bufio.Scanner) {
	var e event
	for lines.Scan() {
		if lines.Text() == "" {
			if e.name != "" || e.comment != "" {
				l.events <- e
			}
			e = event{}
			continue
		}
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.data); err != nil {
				l.t.Error(err)
			}
		case "":
			e.comment = value
		}
	}
}

// next gives the next event, comments left out.
func (l *listener) next() event {
	l.t.Helper()
	for {
		e := receive(l.t, l.events)
		if e.comment == "" {
			return e
		}
	}
}

// ended waits for the end of the stream and gives the events until then.
func (l *listener) ended() (rest []event) {
	l.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case e, ok := <-l.events:
			if !ok {
				return rest
			}
			if e.comment == "" {
				rest = append(rest, e)
			}
		case <-deadline:
			l.t.Fatal("the stream does not end")
		}
	}
}

// TestEvents states that a listener is told each state of a job as it comes
// and then its end, with which the stream ends.
func TestEvents(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(f *fixture, r job.Record){
		"succeeded": func(f *fixture, r job.Record) { f.succeed(r, "x", "text/plain", "") },
		"failed": func(f *fixture, r job.Record) {
			f.update(r.Fail(job.Failure{Code: "TooBlurred", Message: "Take it again."}, time.Now()))
		},
		"canceled": func(f *fixture, r job.Record) { f.update(r.Cancel(time.Now())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			id := f.issue(0)
			l := f.listen(id)
			ids := map[string]bool{}
			expect := func(name, status string, percent float64) event {
				e := l.next()
				if e.name != name || e.data["status"] != status || percent >= 0 && e.data["percentComplete"] != percent || ids[e.id] || e.id == "" {
					t.Fatalf("event = %+v, want %s %s %v", e, name, status, percent)
				}
				ids[e.id] = true
				return e
			}
			expect("progress", "Accepted", 0)
			r := f.run(id)
			expect("progress", "Running", 0)
			r = f.update(r.Heartbeat(50, "halfway", time.Now()))
			if e := expect("progress", "Running", 50); e.data["message"] != "halfway" {
				t.Errorf("event = %+v", e)
			}
			end(f, r)
			last := expect(name, strings.ToUpper(name[:1])+name[1:], -1)
			if name == "succeeded" {
				wantMembers(t, last.data, map[string]any{"resultUrl": f.base + statusPath(id) + "/result"})
			} else if last.data["error"] == nil {
				t.Errorf("%s without an error", name)
			}
			if rest := l.ended(); rest != nil {
				t.Errorf("after the end came %v", rest)
			}
			again := f.get(statusPath(id)+"/events", "Last-Event-ID", last.id)
			again.wantStatus(t, http.StatusNoContent)
		})
	}
}

// TestEventsResume states that a listener that comes back is told what it has
// missed and nothing that it has heard.
func TestEventsResume(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	r := f.run(f.issue(0))
	first := f.listen(r.ID)
	heard := first.next()
	first.cancel()

	second := f.listen(r.ID, "Last-Event-ID", heard.id)
	if e := receive(t, second.events); e.comment == "" {
		t.Errorf("told again: %+v", e)
	}
	second.cancel()

	f.update(r.Cancel(time.Now()))
	third := f.listen(r.ID, "Last-Event-ID", heard.id)
	if rest := third.ended(); len(rest) != 1 || rest[0].name != "canceled" {
		t.Errorf("events = %v", rest)
	}
}

// TestEventsHeartbeat states that a stream without news shows that it lives,
// through a store that fails meanwhile too.
func TestEventsHeartbeat(t *testing.T) {
	t.Parallel()
	failures := make(chan error, 1)
	f := newFixture(t, func(o *status.Options) {
		o.Heartbeat = 20 * time.Millisecond
		o.Records = &failing{Records: o.Records, failures: failures}
	})
	r := f.run(f.issue(0))
	l := f.listen(r.ID)
	l.next()
	for range 3 {
		failures <- job.ErrBusy
		if e := receive(t, l.events); e.comment == "" {
			t.Errorf("event = %+v", e)
		}
	}
	f.update(r.Cancel(time.Now()))
	if rest := l.ended(); len(rest) != 1 || rest[0].name != "canceled" {
		t.Errorf("events = %v", rest)
	}
}

// TestCloseEndsEvents states that a server that shuts down need not wait for
// listeners.
func TestCloseEndsEvents(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	l := f.listen(f.issue(0))
	l.next()
	f.service.Close()
	l.ended()
}

// TestEventsOfNoJob states that there is no stream about what is no job: a
// problem says why, and a browser does not come back.
func TestEventsOfNoJob(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for id, want := range map[job.ID]int{
		foreignID():                  404,
		f.issue(30 * 24 * time.Hour): 410,
	} {
		f.get(statusPath(id)+"/events").wantStatus(t, want)
	}
	f.get(statusPath(f.issue(0))+"/events?onComplete=x").wantStatus(t, http.StatusBadRequest)
}
