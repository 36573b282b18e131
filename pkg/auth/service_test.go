package auth_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/auth"
	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
	"github.com/asyncreply/asyncreply/pkg/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configOf gives a configuration that trusts an issuer.
func configOf(i *authtest.Issuer) auth.Config {
	return auth.Config{Mode: auth.ModeEntra, Issuer: i.URL(), Audience: []string{"api://asyncreply", authtest.Audience}}
}

// clock is a clock that a test sets.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// service is an HTTP service that lets in who may do what they ask for: GET
// takes Jobs.Read or Jobs.Admin, DELETE takes Jobs.Cancel.
type service struct {
	t    *testing.T
	url  string
	auth *auth.Authenticator
	log  *journal
}

func roles(r *http.Request) []string {
	if r.Method == http.MethodDelete {
		return []string{"Jobs.Cancel"}
	}
	return []string{"Jobs.Read", "Jobs.Admin"}
}

func newService(t *testing.T, config auth.Config, now func() time.Time) *service {
	t.Helper()
	s := &service{t: t, log: &journal{}}
	logger := slog.New(slog.NewTextHandler(s.log, nil))
	var err error
	if s.auth, err = config.Open(&auth.Options{Logger: logger, Now: now}); err != nil {
		t.Fatal(err)
	}
	owner := s.auth.Owner(roles)
	e := web.New(&web.Options{Logger: logger})
	e.Match([]string{http.MethodGet, http.MethodDelete}, "/", func(c echo.Context) error {
		name, err := owner(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, name)
	})
	server := httptest.NewServer(e)
	s.url = server.URL
	t.Cleanup(func() {
		server.Close()
		s.auth.Close()
	})
	return s
}

// answer is what a caller sees.
type answer struct {
	status    int
	text      string
	code      string
	challenge string
	header    http.Header
}

func (s *service) call(method string, header http.Header) answer {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header = header
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{status: response.StatusCode, text: string(text), challenge: response.Header.Get("WWW-Authenticate"), header: response.Header}
	if response.StatusCode >= 400 {
		var problem struct{ Code string }
		if err := json.Unmarshal(text, &problem); err != nil || response.Header.Get("Content-Type") != "application/problem+json" {
			s.t.Errorf("%s is no problem: %s", response.Status, text)
		}
		a.code = problem.Code
	}
	return a
}

// get asks with a bearer token.
func (s *service) get(token string) answer {
	s.t.Helper()
	return s.call(http.MethodGet, http.Header{"Authorization": {"Bearer " + token}})
}

// journal collects what is logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}
