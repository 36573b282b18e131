package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a service under test on a real socket.
type server struct {
	t    *testing.T
	addr string
	url  string
	stop context.CancelFunc
	done chan error // what Serve gave
}

// start serves e until the test ends. opts may be nil.
func start(t *testing.T, e *echo.Echo, opts *web.ServeOptions) *server {
	t.Helper()
	if opts == nil {
		opts = &web.ServeOptions{}
	}
	listening := make(chan net.Addr, 1)
	opts.Addr, opts.Handler = "127.0.0.1:0", e
	opts.OnListening = func(addr net.Addr) { listening <- addr }
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{t: t, stop: cancel, done: make(chan error, 1)}
	go func() { s.done <- web.Serve(ctx, opts); close(s.done) }()
	s.addr = receive(t, listening).String()
	s.url = "http://" + s.addr
	t.Cleanup(func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		receive(t, s.done)
	})
	return s
}

// receive waits for a value, but not for ever.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case value := <-c:
		return value
	case <-time.After(patience):
		t.Fatal("nothing came in time")
		panic("unreachable")
	}
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body []byte
}

func (s *server) get(path string, header ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, header...)
}

// do sends a request with headers given as names and values in turn.
func (s *server) do(method, path string, body io.Reader, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response, text}
}

// members decodes a JSON object.
func (a answer) members(t *testing.T) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(a.body, &object); err != nil {
		t.Fatalf("%q is not a JSON object: %v", a.body, err)
	}
	return object
}

// dial opens a connection and sends text on it.
func (s *server) dial(text string) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// journal collects log lines.
type journal struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.Write(p)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// entries gives the lines so far whose msg is message.
func (j *journal) entries(t *testing.T, message string) []map[string]any {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []map[string]any
	for line := range bytes.Lines(j.lines.Bytes()) {
		var entry map[string]any
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if entry["msg"] == message {
			found = append(found, entry)
		}
	}
	return found
}
