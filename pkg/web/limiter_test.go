package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// caller is a request from an address.
func caller(address string) echo.Context {
	e := New(nil)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = address
	return e.NewContext(r, httptest.NewRecorder())
}

// TestLimiter states how often a caller may ask: its burst at once, then at its
// rate, whatever it was refused meanwhile.
func TestLimiter(t *testing.T) {
	l := NewLimiter(LimiterOptions{Rate: 2, Burst: 3})
	now := time.Now()
	l.now = func() time.Time { return now }
	for i, step := range []struct {
		after   time.Duration
		allowed bool
	}{
		{0, true}, {0, true}, {0, true}, {0, false}, {0, false},
		{499 * time.Millisecond, false}, {time.Millisecond, true}, {0, false},
		{time.Second, true}, {0, true}, {0, false},
		{time.Hour, true}, {0, true}, {0, true}, {0, false},
	} {
		now = now.Add(step.after)
		if wait := l.take("a"); (wait == 0) != step.allowed || wait > 500*time.Millisecond {
			t.Errorf("step %d: told to wait %v, want allowed %v", i, wait, step.allowed)
		}
	}
	if wait := l.take("b"); wait != 0 {
		t.Errorf("another caller was told to wait %v", wait)
	}
}

// TestLimiterRefusal states what a caller over its rate is told.
func TestLimiterRefusal(t *testing.T) {
	l := NewLimiter(LimiterOptions{Rate: 0.1, Burst: 1})
	c := caller("192.0.2.1:1")
	if err := l.Allow(c, ""); err != nil {
		t.Fatal(err)
	}
	p, ok := errors.AsType[*Problem](l.Allow(c, ""))
	if !ok || p.Code != job.CodeTooManyRequests || p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") != "10" {
		t.Errorf("refused with %+v", p)
	}
}

// TestLimiterCallers states who is taken for the same caller.
func TestLimiterCallers(t *testing.T) {
	for _, test := range []struct {
		first, second [2]string // address and owner
		same          bool
	}{
		{[2]string{"192.0.2.1:1", ""}, [2]string{"192.0.2.1:2", ""}, true},
		{[2]string{"192.0.2.1:1", ""}, [2]string{"192.0.2.2:1", ""}, false},
		{[2]string{"192.0.2.1:1", "a"}, [2]string{"192.0.2.1:1", "b"}, false},
		{[2]string{"192.0.2.1:1", "a"}, [2]string{"192.0.2.2:1", "a"}, true},
		{[2]string{"192.0.2.1:1", ""}, [2]string{"192.0.2.1:1", "192.0.2.1"}, false},
		{[2]string{"[2001:db8::1]:1", ""}, [2]string{"[2001:db8::ffff:2]:1", ""}, true},
		{[2]string{"[2001:db8::1]:1", ""}, [2]string{"[2001:db8:0:1::1]:1", ""}, false},
		{[2]string{"[::ffff:192.0.2.1]:1", ""}, [2]string{"[::ffff:192.0.2.2]:1", ""}, false},
	} {
		l := NewLimiter(LimiterOptions{Rate: 0.001, Burst: 1})
		if err := l.Allow(caller(test.first[0]), test.first[1]); err != nil {
			t.Fatal(err)
		}
		if refused := l.Allow(caller(test.second[0]), test.second[1]) != nil; refused != test.same {
			t.Errorf("%q, then %q: refused %v", test.first, test.second, refused)
		}
	}
}

// TestLimiterIsBounded states that made-up callers cost no more memory than
// was allowed, and that no limit is one that allows everything.
func TestLimiterIsBounded(t *testing.T) {
	l := NewLimiter(LimiterOptions{Rate: 1, Callers: 10})
	for i := range 1000 {
		l.take(fmt.Sprint(i))
	}
	if n := l.earned.Len(); n != 10 {
		t.Errorf("%d callers are remembered", n)
	}
	var none *Limiter = NewLimiter(LimiterOptions{})
	for range 100 {
		if err := none.Allow(caller("192.0.2.1:1"), ""); err != nil {
			t.Fatal(err)
		}
	}
}
