package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestClosedLoop states that a closed loop sends exactly what it counts, over
// as many connections as asked for and no more, and ends by count and by time.
func TestClosedLoop(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags string
		exact int64
	}{
		"by count":          {"--connections 8 --count 500", 500},
		"fewer than loops":  {"--connections 16 --count 3", 3},
		"by time":           {"--connections 4 --duration 300ms", 0},
		"count of the rate": {"--connections 4 --rate 500 --count 100", 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, accept)
			r := must(t, test.flags+" --url "+s.URL)
			if test.exact > 0 && r.Requests != test.exact || r.Requests != int64(len(s.arrivals)) || r.Statuses["202"] != r.Requests || r.Errors != 0 {
				t.Errorf("%d requests came, want %d; %+v", len(s.arrivals), test.exact, r)
			}
			// On a busy machine net/http gives a connection up now and then, for
			// it was not told in 50 ms that the request was written.
			if s.most > r.Connections || len(s.opened) > 2*r.Connections {
				t.Errorf("%d requests at a time, %d connections, want at most %d", s.most, len(s.opened), r.Connections)
			}
			if good := r.PerSecond * r.Seconds; good < float64(r.Requests)-0.5 || good > float64(r.Requests)+0.5 || r.Latency.P50 <= 0 {
				t.Errorf("%g a second for %g s are not %d requests; p50 %g", r.PerSecond, r.Seconds, r.Requests, r.Latency.P50)
			}
		})
	}
}

// TestWarmup states that what is sent while warming up is sent and not counted.
func TestWarmup(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string]string{"closed": "--connections 2", "open": "--rate 100"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, accept)
			r := must(t, flags+" --warmup 1s --duration 2s --url "+s.URL)
			early := int64(s.before(time.Second))
			if came := int64(len(s.arrivals)); r.Requests == 0 || early == 0 || r.Requests > came-early {
				t.Errorf("%d requests counted of %d, of which %d came while warming up", r.Requests, came, early)
			}
		})
	}
}

// TestRate states that an open loop holds its rate, evenly, and that load rises
// evenly with it where it is to: each request is sent when it is due, and none
// before. Where this machine stands still, a witness that does nothing but wait
// for the same times is late too.
func TestRate(t *testing.T) {
	t.Parallel()
	const requests = 200
	for name, test := range map[string]struct {
		flags string
		due   openLoop
	}{
		"steady": {"--duration 2s", openLoop{rate: 100}},
		"rising": {"--duration 3s --ramp 2s", openLoop{rate: 100, ramp: 2 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, accept)
			var witness []time.Duration
			var watching sync.WaitGroup
			watching.Go(func() {
				for i := range int64(requests) {
					due := s.began.Add(test.due.offset(i))
					time.Sleep(time.Until(due))
					witness = append(witness, time.Since(due))
				}
			})
			r := must(t, fmt.Sprintf("%s --rate 100 --connections %d --url %s", test.flags, requests, s.URL))
			watching.Wait()
			if len(s.arrivals) != requests || r.Requests != requests || r.Unsent != 0 {
				t.Fatalf("%d requests came, %d counted, %d unsent; want %d", len(s.arrivals), r.Requests, r.Unsent, requests)
			}
			var late []time.Duration
			for i, at := range s.arrivals {
				late = append(late, at.Sub(s.began)-test.due.offset(int64(i)))
			}
			slices.Sort(late)
			slices.Sort(witness)
			if least, half := late[0], late[requests/2]; least < 0 || half > witness[requests/2]+500*time.Millisecond {
				t.Errorf("the earliest request came %v after it was due, half of them %v; the witness %v", least, half, witness[requests/2])
			}
		})
	}
}

// TestStall states that a server that stalls cannot hide it: requests that are
// due meanwhile count as slow in an open loop. In a closed loop, which is
// there to compare, there are none.
func TestStall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags string
		seen  bool
	}{
		"open": {"--rate 100", true}, "closed": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stall sync.RWMutex
			began := sync.OnceFunc(func() {
				time.AfterFunc(300*time.Millisecond, func() {
					stall.Lock()
					time.AfterFunc(time.Second, stall.Unlock)
				})
			})
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				began()
				stall.RLock()
				defer stall.RUnlock()
				accept(w, r)
			})
			r := must(t, test.flags+" --connections 4 --duration 2s --url "+s.URL)
			// 100 of 200 are due within the second: a quarter of all waits for
			// 500 ms or more.
			if slow := r.Latency.P90 >= 500; slow != test.seen || r.Latency.Max < 900 {
				t.Errorf("p90 is %g ms, the longest %g ms", r.Latency.P90, r.Latency.Max)
			}
		})
	}
}

// TestUnsent states that a rate that is not held is told of: requests that
// were due and found no free connection until the end.
func TestUnsent(t *testing.T) {
	t.Parallel()
	until, release := context.WithTimeout(t.Context(), 5*time.Second)
	defer release()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		<-until.Done()
		accept(w, r)
	})
	r := must(t, "--rate 25 --connections 2 --duration 2s --url "+s.URL)
	if r.Requests != 2 || r.Unsent != 48 {
		t.Errorf("%d requests and %d unsent, want 2 and 48", r.Requests, r.Unsent)
	}
}

// TestRamp states that callers of a closed loop begin one after the other.
func TestRamp(t *testing.T) {
	t.Parallel()
	const callers = 10
	begin := time.Now()
	c := closedLoop{span: span{begin, begin, begin.Add(time.Minute)}, callers: callers, ramp: time.Second}
	var work sync.WaitGroup
	for i := range callers {
		work.Go(func() {
			first, ok := c.next(t.Context(), i)
			if least := time.Duration(i) * 100 * time.Millisecond; !ok || first.due.Sub(begin) < least {
				t.Errorf("caller %d began after %v, want %v", i, first.due.Sub(begin), least)
			}
		})
	}
	work.Wait()
	s := serve(t, accept)
	must(t, "--connections 10 --ramp 1s --duration 3s --url "+s.URL)
	if n := len(s.opened); n < callers || s.opened[n-1].Sub(s.began) < 900*time.Millisecond {
		t.Errorf("of %d connections the last came after %v", n, s.opened[n-1].Sub(s.began))
	}
}

// TestOffset states when requests of a rate are due, within a ramp and behind.
func TestOffset(t *testing.T) {
	for name, test := range map[string]struct {
		rate float64
		ramp time.Duration
		n    int64
		want time.Duration
	}{
		"first":          {10, 0, 0, 0},
		"steady":         {10, 0, 5, 500 * time.Millisecond},
		"first of ramp":  {10, 2 * time.Second, 0, 0},
		"half of ramp":   {100, 2 * time.Second, 25, time.Second},
		"end of ramp":    {10, 2 * time.Second, 10, 2 * time.Second},
		"behind ramp":    {10, 2 * time.Second, 15, 2500 * time.Millisecond},
		"fraction of Hz": {0.5, 0, 1, 2 * time.Second},
	} {
		o := openLoop{rate: test.rate, ramp: test.ramp}
		if got := o.offset(test.n); (got - test.want).Abs() > time.Microsecond {
			t.Errorf("%s: request %d is due after %v, want %v", name, test.n, got, test.want)
		}
	}
}

// TestMix states that operations are submitted as often as their weights say,
// with their queries.
func TestMix(t *testing.T) {
	t.Parallel()
	s := serve(t, accept)
	must(t, "--operation customer=5,thumbnail?width=320=2,csv-profile --count 800 --url "+s.URL)
	want := map[string]int{"POST /api/customer": 500, "POST /api/thumbnail?width=320": 200, "POST /api/csv-profile": 100}
	if fmt.Sprint(s.asked) != fmt.Sprint(want) {
		t.Errorf("came %v, want %v", s.asked, want)
	}
}

// TestParseMix states how a mix is written, and which are refused.
func TestParseMix(t *testing.T) {
	for text, want := range map[string]string{
		"customer":             "customer=1",
		"customer=2, b":        "customer=2,b=1",
		"a?x=1":                "a?x=1=1",
		"a?x=1=3":              "a?x=1=3",
		"a?x=1&y=2":            "a?x=1&y=2=1",
		"a?x=1&y=2=4,b=2":      "a?x=1&y=2=4,b=2",
		"":                     "",
		"a,,b":                 "",
		"a=0":                  "",
		"a=x":                  "",
		"=2":                   "",
		"?x=1":                 "",
		"a=9999,b=2":           "",
		"a=10001":              "",
		"a?x=1=99999999999999": "",
	} {
		var m mix
		err := m.Set(text)
		if got := m.String(); got != want || (err != nil) != (want == "") {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v is more than one line", text, err)
		}
	}
}

// TestInterrupt states that a run that is interrupted ends at once, with a
// report of what was measured until then.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string]string{"closed": "--connections 2", "open": "--rate 100", "job": "--mode job --connections 2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				accept(w, r)
				time.AfterFunc(200*time.Millisecond, interrupt)
			})
			began := time.Now()
			r, err := callWith(ctx, t, nil, append(strings.Fields(flags), "--duration", "1m", "--url", s.URL)...)
			if took := time.Since(began); took > 10*time.Second || r.Requests == 0 || !r.Interrupted {
				t.Errorf("ended after %v, %+v", took, r)
			}
			if unfinished := r.Jobs != nil; (err != nil) != unfinished {
				t.Errorf("%v", err)
			}
		})
	}
}
