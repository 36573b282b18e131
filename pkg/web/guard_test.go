package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// readAll is a handler that reads its body and reports the error.
func readAll(outcome chan<- error) echo.HandlerFunc {
	return func(c echo.Context) error {
		_, err := io.Copy(io.Discard, c.Request().Body)
		outcome <- err
		if err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
}

// TestSlowBodies states that a body that stalls, or trickles below the rate,
// is given up with 408, and one that breaks off or is malformed with 400.
func TestSlowBodies(t *testing.T) {
	const head = "POST /x HTTP/1.1\r\nHost: x\r\n"
	trickle := func(conn io.Writer) {
		for range 1000 {
			if _, err := io.WriteString(conn, "y"); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	for _, test := range []struct {
		name  string
		opts  web.Options
		send  string
		then  func(io.Writer)
		code  job.Code
		close bool
	}{
		{"stalls at once", web.Options{BodyGrace: 50 * time.Millisecond}, head + "Content-Length: 9\r\n\r\n", nil, job.CodeRequestTimeout, false},
		{"stalls in the middle", web.Options{WriteTimeout: 50 * time.Millisecond}, head + "Content-Length: 9\r\n\r\n1234", nil, job.CodeRequestTimeout, false},
		{"trickles", web.Options{BodyGrace: 50 * time.Millisecond, BodyRate: 1 << 20}, head + "Content-Length: 100000\r\n\r\n", trickle, job.CodeRequestTimeout, false},
		{"breaks off", web.Options{}, head + "Content-Length: 9\r\n\r\n1234", nil, job.CodeInvalidRequest, true},
		{"bad chunk", web.Options{}, head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", nil, job.CodeInvalidRequest, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			outcome := make(chan error, 1)
			e := web.New(&test.opts)
			e.POST("/x", readAll(outcome))
			conn := start(t, e, nil).dial(test.send)
			if test.then != nil {
				go test.then(conn)
			}
			if test.close {
				conn.Close()
			}
			if err := receive(t, outcome); job.CodeOf(err) != test.code {
				t.Fatalf("reading gave %v, want code %s", err, test.code)
			}
			if test.close {
				return
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != web.Status(test.code) {
				t.Errorf("answered %s", response.Status)
			}
		})
	}
}

// TestUnreadTricklingBody states that a client cannot hold a handler by a body
// that the handler does not want.
func TestUnreadTricklingBody(t *testing.T) {
	e := web.New(&web.Options{BodyGrace: 50 * time.Millisecond})
	e.POST("/x", func(echo.Context) error {
		return &job.Error{Code: job.CodeNotFound, Message: strings.Repeat("x", 10000)}
	})
	conn := start(t, e, nil).dial("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1")
	text, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 404 ") {
		t.Errorf("got %.40q, %v", text, err)
	}
}

// pipes is a listener whose connections are pipes in memory, so that time
// passes only when everybody waits: no load of the machine makes anybody slow.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.accepted <- server
	return client, nil
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowHandlersKeepTheirContext states that the deadline of the body does
// not outlive it: a handler may take its time afterwards.
func TestSlowHandlersKeepTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := web.New(nil)
		e.POST("/x", func(c echo.Context) error {
			if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
				return err
			}
			select {
			case <-c.Request().Context().Done():
				return errors.New("context ended")
			case <-time.After(time.Hour):
				return c.NoContent(http.StatusNoContent)
			}
		})
		network := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
		served := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { served <- web.Serve(ctx, &web.ServeOptions{Listener: network, Handler: e}) }()
		client := http.Client{Transport: &http.Transport{DialContext: network.dial}}
		for range 2 { // also on a connection that was used before
			response, err := client.Post("http://pipe/x", "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusNoContent {
				t.Errorf("answered %s", response.Status)
			}
		}
		client.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// TestSlowReaders states that a client that takes nothing of its answer does
// not hold the handler, while a slow stream may last longer than the time-out.
func TestSlowReaders(t *testing.T) {
	const timeout = 100 * time.Millisecond
	failed := make(chan error, 1)
	e := web.New(&web.Options{WriteTimeout: timeout})
	e.GET("/flood", func(c echo.Context) error {
		for block := make([]byte, 1<<16); ; {
			if _, err := c.Response().Write(block); err != nil {
				failed <- err
				return err
			}
		}
	})
	e.GET("/stream", func(c echo.Context) error {
		for start := time.Now(); time.Since(start) < 3*timeout; time.Sleep(timeout / 4) {
			if _, err := c.Response().Write([]byte("tick\n")); err != nil {
				return err
			}
			c.Response().Flush()
		}
		_, err := c.Response().Write([]byte("end\n"))
		return err
	})
	s := start(t, e, nil)
	s.dial("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := receive(t, failed); !strings.Contains(err.Error(), "timeout") {
		t.Errorf("writing gave %v, want a timeout", err)
	}
	if got := s.get("/stream"); !strings.HasSuffix(string(got.body), "end\n") {
		t.Errorf("the stream ended with %q", got.body)
	}
}
