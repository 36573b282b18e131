package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// TestStopFinishesRequests states that a stop is seen on /readyz while the
// listener is still open, and that requests in flight are answered.
func TestStopFinishesRequests(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	health := web.NewHealth(nil)
	e := web.New(nil)
	health.Register(e)
	e.GET("/slow", func(c echo.Context) error {
		close(entered)
		<-release
		return c.String(http.StatusOK, "done")
	})
	shutdown := make(chan struct{})
	s := start(t, e, &web.ServeOptions{
		Health: health, DrainDelay: time.Second, OnShutdown: func() { close(shutdown) },
	})
	answered := make(chan answer, 1)
	go func() { answered <- s.get("/slow") }()
	receive(t, entered)
	s.stop()
	for s.get("/readyz").StatusCode != http.StatusServiceUnavailable {
		select {
		case <-shutdown:
			t.Fatal("the listener is closing and /readyz never said so")
		default:
		}
	}
	receive(t, shutdown)
	close(release)
	if got := receive(t, answered); string(got.body) != "done" {
		t.Errorf("the request in flight got %q", got.body)
	}
	if err := receive(t, s.done); err != nil {
		t.Errorf("Serve = %v after a clean stop", err)
	}
	if _, err := net.Dial("tcp", s.addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the stop connecting gives %v", err)
	}
}

// TestStopHasALimit states that a request that does not end is cut off, and
// that Serve says so.
func TestStopHasALimit(t *testing.T) {
	entered := make(chan struct{})
	e := web.New(nil)
	e.GET("/stuck", func(c echo.Context) error {
		close(entered)
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	s := start(t, e, &web.ServeOptions{ShutdownTimeout: 50 * time.Millisecond})
	conn := s.dial("GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
	receive(t, entered)
	s.stop()
	if err := receive(t, s.done); err == nil || err.Error() != "requests still in flight after 50ms were cut off" {
		t.Errorf("Serve = %v", err)
	}
	if text, _ := io.ReadAll(conn); len(text) > 0 {
		t.Errorf("the stuck request was answered: %q", text)
	}
}

// TestSlowHeader states that a connection that does not get on with its header
// is closed.
func TestSlowHeader(t *testing.T) {
	s := start(t, web.New(nil), &web.ServeOptions{ReadHeaderTimeout: 50 * time.Millisecond})
	conn := s.dial("GET / HTTP/1.1\r\nHost: ")
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("reading gives %v, want the end", err)
	}
}

// TestListenErrors states that a port that cannot be had is one clear error.
func TestListenErrors(t *testing.T) {
	s := start(t, web.New(nil), nil)
	err := web.Serve(context.Background(), &web.ServeOptions{Addr: s.addr, Handler: web.New(nil)})
	if want := "listen: listen tcp " + s.addr + ": bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("Serve on a busy port = %v, want %s", err, want)
	}
}

// TestServeOnListener states that a listener of the caller's is used, and
// that its failure ends Serve.
func TestServeOnListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- web.Serve(context.Background(), &web.ServeOptions{Listener: listener, Handler: web.New(nil)})
	}()
	response, err := http.Get("http://" + listener.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	listener.Close()
	if err := receive(t, done); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve = %v, want %v", err, net.ErrClosed)
	}
}
