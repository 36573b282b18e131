package acceptor_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// kilobyte is a payload of 1 KB that fits the customer operation.
var kilobyte = []byte(fmt.Sprintf(`{"id":"4711","customername":"Ada","notes":"%s"}`, strings.Repeat("x", 978)))

// bare is the limit that accepting is measured against: an Echo handler that
// reads the body, answers a 202 of the same size and stores nothing.
func bare() *echo.Echo {
	const url = statusBaseURL + "/api/RequestStatus/0193509c-9400-8000-8000-000000000000"
	body := []byte(`{"id":"0193509c-9400-8000-8000-000000000000","status":"Accepted","statusUrl":"` + url +
		`","operationUrl":"` + url + `","submittedAt":"2026-11-21T09:30:00.123456789Z","retryAfter":1}`)
	e := echo.New()
	e.POST("/api/:operation", func(c echo.Context) error {
		if _, err := io.ReadAll(c.Request().Body); err != nil {
			return err
		}
		c.Response().Header().Set("Location", url)
		c.Response().Header().Set("Operation-Location", url)
		c.Response().Header().Set("Retry-After", "1")
		return c.Blob(http.StatusAccepted, "application/json", body)
	})
	return e
}

// accepting is the acceptor as it is served, with the given sender.
func accepting(b *testing.B, sender acceptor.Sender) *echo.Echo {
	b.Helper()
	set, err := operation.Parse(strings.NewReader(operations))
	if err != nil {
		b.Fatal(err)
	}
	keys, err := job.NewKeyRing(bytes.Repeat([]byte("k"), job.MinKeyLength))
	if err != nil {
		b.Fatal(err)
	}
	a, err := acceptor.New(&acceptor.Options{
		Operations: set, Issuer: job.NewIssuer(keys, nil), Sender: sender, Payloads: noPayloads{}, StatusBaseURL: statusBaseURL,
	})
	if err != nil {
		b.Fatal(err)
	}
	e := web.New(nil)
	a.Register(e)
	return e
}

// ignore is a Sender that costs nothing.
type ignore struct{}

func (ignore) Send(context.Context, *job.Message) error { return nil }

// busSender is a Sender to a broker in this process, over a socket.
func busSender(b *testing.B) *servicebus.Sender {
	b.Helper()
	queue := emulator.Queue{Name: "jobs", MaxSizeInMegabytes: 81_920}
	broker := localazuretest.Broker(b, &emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{queue}}})
	connect, err := (&azure.ServiceBus{ConnectionString: broker.ConnectionString()}).Connector(nil)
	if err != nil {
		b.Fatal(err)
	}
	s, err := servicebus.NewSender(connect, "jobs", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// unread is an answer that nobody reads.
type unread struct {
	header http.Header
	status int
}

func (w *unread) Header() http.Header         { return w.header }
func (w *unread) Write(p []byte) (int, error) { return len(p), nil }
func (w *unread) WriteHeader(status int)      { w.status = status }

func (w *unread) SetReadDeadline(time.Time) error  { return nil }
func (w *unread) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkHandler measures what a request of 1 KB costs between net/http and
// the send, beside an Echo handler that does nothing with it.
func BenchmarkHandler(b *testing.B) {
	for _, test := range []struct {
		name, path string
		handler    *echo.Echo
	}{
		{"bare", "/api/anything", bare()},
		{"accept", "/api/anything", accepting(b, ignore{})},
		{"accept with schema", "/api/customer", accepting(b, ignore{})},
	} {
		b.Run(test.name, func(b *testing.B) {
			body := bytes.NewReader(kilobyte)
			r := httptest.NewRequest(http.MethodPost, test.path, io.NopCloser(body))
			r.ContentLength = int64(len(kilobyte))
			r.Header.Set("Content-Type", "application/json")
			w := &unread{}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(kilobyte)
				w.header = http.Header{}
				test.handler.ServeHTTP(w, r)
			}
			if w.status != http.StatusAccepted {
				b.Fatalf("answered %d", w.status)
			}
		})
	}
}

// BenchmarkAccept measures requests of 1 KB by 64 connections, to an Echo
// handler that stores nothing and to the acceptor with the broker, all in this
// process.
func BenchmarkAccept(b *testing.B) {
	for _, test := range []struct {
		name    string
		handler func(*testing.B) *echo.Echo
	}{
		{"bare", func(*testing.B) *echo.Echo { return bare() }},
		{"unsent", func(b *testing.B) *echo.Echo { return accepting(b, ignore{}) }},
		{"sent", func(b *testing.B) *echo.Echo { return accepting(b, busSender(b)) }},
	} {
		b.Run(test.name, func(b *testing.B) {
			server := httptest.NewServer(test.handler(b))
			defer server.Close()
			addr := server.Listener.Addr().String()
			b.ReportAllocs()
			b.ResetTimer()
			postAll(b, addr, 64, b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// postAll posts n requests over connections and reads their answers.
func postAll(b *testing.B, addr string, connections, n int) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	request := fmt.Appendf(nil, "POST /api/anything HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		len(kilobyte), kilobyte)
	var clients sync.WaitGroup
	for range connections {
		clients.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			for answers := bufio.NewReader(conn); left.Add(-1) >= 0; {
				if err := postOne(conn, answers, request); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
}

func postOne(conn io.Writer, answers *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	status, err := answers.ReadSlice('\n')
	if err != nil || !bytes.HasPrefix(status, []byte("HTTP/1.1 202 ")) {
		return fmt.Errorf("answered %q, %v", status, err)
	}
	length := 0
	for {
		line, err := answers.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			_, err = fmt.Sscan(string(value), &length)
			if err != nil {
				return err
			}
		}
	}
	_, err = answers.Discard(length)
	return err
}
