package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestJobs states that jobs of the real system are followed to their ends,
// with the polls that it took, and that those which do not end in time are
// told of and fail the run.
func TestJobs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags                         string
		succeeded, failed, unfinished int64
		fails                         string
	}{
		"by Retry-After": {"--connections 4 --count 8", 8, 0, 0, ""},
		"by wait":        {"--connections 4 --count 20 --wait 10s", 20, 0, 0, ""},
		"at a rate":      {"--connections 8 --rate 20 --count 10 --wait 10", 10, 0, 0, ""},
		"failing":        {"--connections 2 --count 4 --operation customer,fail --wait 10s", 2, 2, 0, ""},
		"slow":           {"--connections 2 --count 2 --operation customer?duration=30s --drain 1s", 0, 0, 2, "2 jobs were not seen to end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r, err := call(t, append(strings.Fields(test.flags), "--mode", "job", "--duration", "1m", "--url", acceptor)...)
			if took := time.Since(began); took > 50*time.Second {
				t.Errorf("took %v, though all was sent at once", took)
			}
			if err != nil && err.Error() != test.fails || err == nil && test.fails != "" {
				t.Fatalf("%v, want %q; %+v", err, test.fails, r)
			}
			j := r.Jobs
			sum := test.succeeded + test.failed + test.unfinished
			if r.Requests != sum || j.Accepted != sum || j.Succeeded != test.succeeded || j.Failed != test.failed || j.Unfinished != test.unfinished || j.Canceled != 0 {
				t.Errorf("%+v", j)
			}
			if ended := test.succeeded + test.failed; ended > 0 && (j.Polls < ended || j.PollsPerJob.P50 < 1 || j.Latency.P50 <= r.Latency.Min || j.PerSecond <= 0) {
				t.Errorf("of ended jobs: %+v", j)
			}
			if told := strings.Contains(strings.Join(r.ErrorSamples, "\n"), "poll: 422"); told != (test.failed > 0) {
				t.Errorf("samples %q", r.ErrorSamples)
			}
		})
	}
}

// TestPauses states when a job's polls are sent: after what Retry-After says,
// also the first; or with Prefer: wait, at once. The redirect to the result is
// not followed.
func TestPauses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags, prefer string
		applied       bool
		retryAfter    string
		least, most   time.Duration
	}{
		"Retry-After":     {"", "", false, "1", 2 * time.Second, time.Minute},
		"wait":            {"--wait 7s", "wait=7", true, "20", 0, 19 * time.Second},
		"wait is ignored": {"--wait 7s", "wait=7", false, "1", time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var polls atomic.Int64
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", test.retryAfter)
				if r.Method == http.MethodPost {
					accept(w, r)
					return
				}
				if got := r.Header.Get("Prefer"); got != test.prefer || r.Header.Get("Content-Type") != "" {
					t.Errorf("Prefer is %q, want %q; %v", got, test.prefer, r.Header)
				}
				if test.applied {
					w.Header().Set("Preference-Applied", test.prefer)
				}
				w.Header().Set("Location", "/result")
				w.WriteHeader(map[bool]int{true: http.StatusAccepted, false: http.StatusFound}[polls.Add(1) == 1])
			})
			r := must(t, test.flags+" --mode job --connections 1 --count 1 --url "+s.URL)
			if took := time.Duration(r.Jobs.Latency.Max * float64(time.Millisecond)); took < test.least || took > test.most {
				t.Errorf("took %v, want %v to %v", took, test.least, test.most)
			}
			if want := "map[GET /job:2 POST /api/customer:1]"; fmt.Sprint(s.asked) != want || r.Jobs.PollsPerJob.Max != 2 {
				t.Errorf("came %v, want %s; %+v", s.asked, want, r.Jobs)
			}
		})
	}
}

// TestJudge states what an answer to a poll means for the job.
func TestJudge(t *testing.T) {
	for status, want := range map[int]string{
		202: "pending", 200: "succeeded", 302: "succeeded", 303: "succeeded", 422: "failed", 409: "canceled", 410: "failed", 404: "failed", 401: "failed",
		0: "trouble", 408: "trouble", 429: "trouble", 500: "trouble", 503: "trouble",
	} {
		o := judge(&answer{status: status, err: http.ErrHandlerTimeout})
		got := "pending"
		switch {
		case o.succeeded:
			got = "succeeded"
		case o.canceled:
			got = "canceled"
		case o.failed:
			got = "failed"
		case o.sample != "":
			got = "trouble"
		}
		if got != want {
			t.Errorf("%d means %s, want %s", status, got, want)
		}
	}
}

// TestTroubledPolls states that a job outlives polls without a useful answer,
// which are counted and shown.
func TestTroubledPolls(t *testing.T) {
	t.Parallel()
	var polls atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "0")
		switch {
		case r.Method == http.MethodPost:
			accept(w, r)
		case polls.Add(1) < 3:
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"code":"ServerBusy","detail":"Too much.","requestId":"differs"}`)
		default:
			w.WriteHeader(http.StatusConflict)
		}
	})
	r := must(t, "--mode job --connections 1 --count 1 --url "+s.URL)
	if j := r.Jobs; j.Canceled != 1 || j.PollErrors != 2 || j.Polls != 3 || fmt.Sprint(r.ErrorSamples) != "[poll: 503 Service Unavailable, ServerBusy: Too much.]" {
		t.Errorf("%+v, %q", j, r.ErrorSamples)
	}
}

// TestStrangeLocation states that a job that cannot be followed, since its
// Location is missing or on another machine, has failed, and that nothing is
// sent there.
func TestStrangeLocation(t *testing.T) {
	t.Parallel()
	for location, says := range map[string]string{"": "there is none", "http://status.example/job": "--allow-remote"} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusAccepted)
		})
		r := must(t, "--mode job --connections 1 --count 1 --url "+s.URL)
		if r.Jobs.Failed != 1 || r.Jobs.Polls != 0 || !strings.Contains(strings.Join(r.ErrorSamples, ""), says) {
			t.Errorf("%q: %+v, %q", location, r.Jobs, r.ErrorSamples)
		}
	}
}

// TestPoll states that status URLs of accepted requests are written to a file
// and visited in turn, that redirects are good and not followed, and that
// other answers are errors.
func TestPoll(t *testing.T) {
	t.Parallel()
	urls := filepath.Join(t.TempDir(), "urls")
	made := must(t, "--count 3 --url "+acceptor+" --urls-out "+urls)
	text, err := os.ReadFile(urls)
	if lines := strings.Count(string(text), "\n"); err != nil || lines != 3 || made.Requests != 3 {
		t.Fatalf("%d lines, %v:\n%s", lines, err, text)
	}
	if r := must(t, "--mode poll --count 30 --connections 2 --poll-urls "+urls); r.Requests != 30 || r.Errors != 0 || r.Statuses["202"]+r.Statuses["302"] != 30 {
		t.Errorf("%+v", r)
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/result", http.StatusFound)
		case "/b":
			http.Error(w, "no", http.StatusNotFound)
		}
	})
	if err := os.WriteFile(urls, []byte(s.URL+"/a\n\n"+s.URL+"/b\n"+s.URL+"/c?x=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := must(t, "--mode poll --count 30 --connections 4 --poll-urls "+urls)
	if want := "map[GET /a:10 GET /b:10 GET /c?x=1:10]"; fmt.Sprint(s.asked) != want || r.Errors != 10 || r.URL != s.URL {
		t.Errorf("came %v, want %s; %+v", s.asked, want, r)
	}
	if want := "map[200:10 302:10 404:10]"; fmt.Sprint(r.Statuses) != want || fmt.Sprint(r.ErrorSamples) != "[GET: 404 Not Found]" {
		t.Errorf("statuses %v, want %s; samples %q", r.Statuses, want, r.ErrorSamples)
	}
}
