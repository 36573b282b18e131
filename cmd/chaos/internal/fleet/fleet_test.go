//go:build unix

package fleet_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/fleet"
)

// TestMain is also the process that the tests run.
func TestMain(m *testing.M) {
	if address := os.Getenv("SERVE"); address != "" {
		fmt.Println("serving with", os.Getenv("MORE"))
		fmt.Println(http.ListenAndServe(address, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) contains(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Contains(o.text.String(), text)
}

func newProcess(t *testing.T) (*fleet.Process, *output) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := &output{}
	p := &fleet.Process{Spec: fleet.Spec{
		Name: "server", Path: self, Environ: append(os.Environ(), "SERVE="+address), Ready: "http://" + address, Log: log,
	}}
	t.Cleanup(func() { p.Stop(5 * time.Second) })
	return p, log
}

func await(t *testing.T, p *fleet.Process, patience time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return p.AwaitReady(ctx)
}

// TestLives kills a process and starts it again, with something more in its
// environment.
func TestLives(t *testing.T) {
	p, log := newProcess(t)
	for life := 1; life <= 2; life++ {
		if err := p.Start(fmt.Sprintf("MORE=life %d", life)); err != nil {
			t.Fatal(err)
		}
		if err := await(t, p, 20*time.Second); err != nil {
			t.Fatal(err)
		}
		if p.Lives() != life || !log.contains(fmt.Sprintf("server     | serving with life %d\n", life)) {
			t.Errorf("life %d is counted as %d, or not logged", life, p.Lives())
		}
		p.Kill()
		select {
		case <-p.Ended():
		default:
			t.Error("a killed process has not ended")
		}
		if err := await(t, p, 20*time.Second); err == nil || !strings.Contains(err.Error(), "ended") {
			t.Errorf("a dead process: %v", err)
		}
	}
}

// TestFreeze has a process live on without a word.
func TestFreeze(t *testing.T) {
	p, _ := newProcess(t)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := await(t, p, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	p.Freeze()
	answers := 0
	for await(t, p, 300*time.Millisecond) == nil && answers < 100 {
		answers++ // the signal takes effect soon after, not at once
	}
	if answers == 100 {
		t.Error("a frozen process answers")
	}
	p.Thaw()
	if err := await(t, p, 20*time.Second); err != nil {
		t.Errorf("thawed: %v", err)
	}
	p.Freeze()
	p.Stop(20 * time.Second) // thaws it first
	select {
	case <-p.Ended():
	default:
		t.Error("a stopped process has not ended")
	}
}

// TestFailures tells an end of the process's own from one by a signal.
func TestFailures(t *testing.T) {
	p, _ := newProcess(t)
	p.Environ = append(p.Environ, "SERVE=nowhere")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	if got := p.Failures(); !slices.Equal(got, []int{1}) {
		t.Errorf("got %v, want one exit status", got)
	}
	q, _ := newProcess(t)
	if err := q.Start(); err != nil {
		t.Fatal(err)
	}
	q.Kill()
	if got := q.Failures(); len(got) > 0 {
		t.Errorf("a killed process failed with %v", got)
	}
}

// TestNoSuchProgram is told by Start.
func TestNoSuchProgram(t *testing.T) {
	p := &fleet.Process{Spec: fleet.Spec{Name: "nobody", Path: "/no/such/program"}}
	if err := p.Start(); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("got %v", err)
	}
	p.Kill() // and nothing happens
}
