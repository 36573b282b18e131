package relay_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo sends back what it gets, on a port of its own.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

func start(t *testing.T, targets ...string) *relay.Relay {
	t.Helper()
	r, err := relay.Start(targets...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func dial(t *testing.T, r *relay.Relay) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// thereAndBack reports whether text comes back over conn.
func thereAndBack(conn net.Conn, text string) error {
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if string(got) != text {
		return errors.New("came back otherwise: " + string(got))
	}
	return nil
}

// TestWithoutFaults passes everything on, ends included.
func TestWithoutFaults(t *testing.T) {
	conn := dial(t, start(t, echo(t)))
	sent := bytes.Repeat([]byte("0123456789"), 50_000)
	go func() {
		_, _ = conn.Write(sent)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back of %d, %v", len(got), len(sent), err)
	}
}

// TestDeadTargetsAreSkipped finds the one target that lives.
func TestDeadTargetsAreSkipped(t *testing.T) {
	r := start(t, "127.0.0.1:1", echo(t), "127.0.0.1:1")
	for range 10 {
		if err := thereAndBack(dial(t, r), "hello"); err != nil {
			t.Error(err)
		}
	}
}

// TestCutAfter lets so many bytes pass, over all connections, and no more.
func TestCutAfter(t *testing.T) {
	r := start(t, echo(t))
	conn, other := dial(t, r), dial(t, r)
	for _, c := range []net.Conn{conn, other} {
		if err := thereAndBack(c, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	r.CutAfter(25) // twenty there, five back
	if _, err := io.WriteString(conn, "01234567890123456789"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err == nil || len(got) > 5 {
		t.Errorf("%q came back, %v; want a reset after at most 5 bytes", got, err)
	}
	if _, err := other.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the other connection ended with %v, want a reset", err)
	}
	if err := thereAndBack(dial(t, r), "hello"); err != nil {
		t.Errorf("after the cut: %v", err)
	}
}

// TestBlackHole has nothing pass and tells nobody, until it ends.
func TestBlackHole(t *testing.T) {
	r := start(t, echo(t))
	conn := dial(t, r)
	if err := thereAndBack(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	r.BlackHole(true)
	during := dial(t, r)
	for _, c := range []net.Conn{conn, during} {
		if err := c.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if err := thereAndBack(c, "lost"); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("in the hole: %v, want nothing", err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	}
	r.BlackHole(false)
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection lives on after the hole")
	}
	if err := thereAndBack(dial(t, r), "hello"); err != nil {
		t.Errorf("after the hole: %v", err)
	}
}

// TestRefuse resets new connections and leaves those there are.
func TestRefuse(t *testing.T) {
	r := start(t, echo(t))
	conn := dial(t, r)
	if err := thereAndBack(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	r.Refuse(true)
	if refused, err := net.Dial("tcp", r.Addr()); err == nil {
		defer refused.Close()
		if err := thereAndBack(refused, "hello"); err == nil {
			t.Error("a new connection is served")
		}
	}
	if err := thereAndBack(conn, "hello"); err != nil {
		t.Errorf("the old connection: %v", err)
	}
	r.Cut()
	if err := thereAndBack(conn, "hello"); err == nil {
		t.Error("the old connection lives after the cut")
	}
	r.Calm()
	if err := thereAndBack(dial(t, r), "hello"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
