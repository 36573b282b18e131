package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

// TestRefusals states that wrong flags are told of in one line that names
// them, before anything is sent, and that other machines are loaded only by
// those who say so.
func TestRefusals(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	remote, empty := filepath.Join(folder, "remote"), filepath.Join(folder, "empty")
	for path, text := range map[string]string{remote: "http://10.0.0.1/x\n", empty: "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for flags, says := range map[string]string{
		"--url http://203.0.113.7":                    "--allow-remote",
		"--url https://acceptor.example":              "--allow-remote",
		"--url http://localhost.example":              "--allow-remote",
		"--url http://127.0.0.1.example":              "--allow-remote",
		"--url http://127.0.0.1@evil.example":         "--allow-remote",
		"--url localhost:8080":                        "--url",
		"--url ftp://127.0.0.1":                       "--url",
		"--mode poll --poll-urls " + remote:           "--allow-remote",
		"--mode poll --poll-urls " + empty:            "no URL",
		"--mode poll --poll-urls " + folder + "/none": "no such file",
		"--mode poll":                                 "--poll-urls",
		"--poll-urls x":                               "--poll-urls",
		"--mode poll --poll-urls x --urls-out y":      "--urls-out",
		"--mode walk":                                 `"walk"`,
		"--wait 1s":                                   "--wait",
		"--mode job --wait 1ms":                       "--wait",
		"--mode job --wait soon":                      "wait",
		"--connections 0":                             "--connections",
		"--rate -1":                                   "--rate",
		"--rate NaN":                                  "--rate",
		"--size 10":                                   "--size",
		"--duration 0s":                               "--duration",
		"--timeout 0s":                                "--timeout",
		"--ramp -1s":                                  "--ramp",
		"--operation a=0":                             "operation",
		"--header x":                                  "header",
		"--header Host:x":                             "Host",
		"--payload " + folder + "/none":               "no such file",
		"--urls-out " + folder + "/none/x":            "no such file",
		"--nonsense":                                  "nonsense",
		"argument":                                    `"argument"`,
	} {
		_, err := call(t, strings.Fields(flags)...)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", flags, err, says)
			continue
		}
		if _, ok := errors.AsType[*settings.Error](err); !ok && !strings.Contains(flags, folder) {
			t.Errorf("%s: %v is not told as a wrong setting", flags, err)
		}
	}
}

// TestLoopback states which hosts are this machine.
func TestLoopback(t *testing.T) {
	for url, here := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://127.9.9.9": true, "http://[::1]:80": true, "http://localhost": true,
		"http://0.0.0.0": false, "http://10.0.0.1": false, "http://[::2]": false, "http://example.com": false,
	} {
		o := defaults()
		if err := o.admit(url); (err == nil) != here {
			t.Errorf("%s: %v", url, err)
		}
		if o.allowRemote = true; o.admit(url) != nil {
			t.Errorf("%s is refused with --allow-remote", url)
		}
	}
}

// TestRequests states what a request is: payload, headers and the token, which
// is in no output.
func TestRequests(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "payload.csv")
	if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		flags, contentType, payload string
	}{
		"generated":        {"", "application/json", string(generate(1024))},
		"of a size":        {"--size 50", "application/json", string(generate(50))},
		"a file":           {"--payload " + file, "text/csv; charset=utf-8", "a,b\n1,2\n"},
		"a type of choice": {"--payload " + file + " --header Content-Type:text/plain", "text/plain", "a,b\n1,2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if string(body) != test.payload || err != nil || r.Header.Get("Content-Type") != test.contentType ||
					r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("X-Twice") != "2" || r.ContentLength != int64(len(body)) {
					t.Errorf("came %v and %q, %v", r.Header, body, err)
				}
				http.Error(w, "no", http.StatusForbidden)
			})
			var out bytes.Buffer
			args := append(strings.Fields(test.flags), "--header", "X-Twice: 2", "--count", "20", "--connections", "2", "--url", s.URL)
			err := run(t.Context(), args, []string{"LOADTEST_TOKEN=secret"}, &out, &out)
			if !errors.Is(err, errNothing) || strings.Contains(out.String(), "secret") || len(s.arrivals) != 20 {
				t.Errorf("%v; %d came; output\n%s", err, len(s.arrivals), &out)
			}
		})
	}
}

// TestGenerate states that a generated payload has the size asked for and is
// what the operation customer takes.
func TestGenerate(t *testing.T) {
	for _, size := range []int{minPayload, minPayload + 1, 100, 1024, 100_000} {
		var customer struct{ ID, CustomerName string }
		data := generate(size)
		if err := json.Unmarshal(data, &customer); err != nil || len(data) != size || customer.ID == "" || customer.CustomerName == "" {
			t.Errorf("%d bytes: %d, %v, %+v", size, len(data), err, customer)
		}
	}
}

// TestEarlyAnswers states that a request that is answered before it was read
// harms no later one: each payload that is read is whole.
func TestEarlyAnswers(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	var whole int
	var mu sync.Mutex
	want := generate(size)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if whole++; whole%2 == 0 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		if got, err := io.ReadAll(r.Body); err == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes came, want %d", len(got), size)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	r := must(t, fmt.Sprintf("--count 60 --connections 4 --size %d --url %s", size, s.URL))
	if r.Requests != 60 || r.Statuses["202"] == 0 || r.Errors+r.Statuses["202"] != 60 {
		t.Errorf("%+v", r)
	}
}

// TestErrors states that answers and the lack of them are counted by status,
// with an example of each kind, ten at most.
func TestErrors(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	n := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		status := []int{202, 429, 503, 0}[n%4]
		code := n % 100
		mu.Unlock()
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(status)
		if status == 503 {
			fmt.Fprintf(w, `{"code":"Code%d","detail":"why"}`, code)
		}
	})
	began := time.Now()
	r := must(t, "--count 400 --connections 1 --url "+s.URL)
	if r.Statuses["202"] != 100 || r.Statuses["429"] != 100 || r.Statuses["503"] != 100 || r.Errors != 300 || len(r.ErrorSamples) != 10 {
		t.Errorf("%+v", r)
	}
	if time.Since(began) > 30*time.Second {
		t.Error("Retry-After of a POST was honoured; load goes on")
	}
	if _, err := call(t, "--url", "http://127.0.0.1:1", "--count", "5"); !errors.Is(err, errNothing) {
		t.Errorf("nobody there: %v", err)
	}
}

// TestReport states that the JSON report has every member, that the text tells
// the same, and where they go.
func TestReport(t *testing.T) {
	t.Parallel()
	s := serve(t, acceptAndEnd)
	file := filepath.Join(t.TempDir(), "report.json")
	var text bytes.Buffer
	args := []string{"--mode", "job", "--wait", "1s", "--count", "5", "--connections", "2", "--url", s.URL, "--json", file}
	if err := run(t.Context(), args, nil, &text, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"job " + s.URL + ", 2 connections", "requests         5\n", "status 202       5\n", "5 succeeded", "p99.9", "\n         answer  "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, &text)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	jobs, _ := r["jobs"].(map[string]any)
	for _, members := range []struct {
		of    any
		names string
	}{
		{r, "mode url connections rate seconds requests errors perSecond statuses errorSamples latencyMs unsent interrupted jobs"},
		{r["latencyMs"], "min mean p50 p90 p95 p99 p999 max"},
		{jobs, "accepted succeeded failed canceled unfinished perSecond polls pollErrors pollsPerJob latencyMs"},
		{jobs["latencyMs"], "min mean p50 p90 p95 p99 p999 max"},
		{jobs["pollsPerJob"], "p50 p90 p99 max"},
	} {
		of, _ := members.of.(map[string]any)
		for name := range strings.FieldsSeq(members.names) {
			if value, ok := of[name]; !ok || value == nil {
				t.Errorf("%s is missing in\n%s", name, raw)
			}
		}
		if len(of) != len(strings.Fields(members.names)) {
			t.Errorf("%v has other members than %s", of, members.names)
		}
	}
}

// TestProgress states that a line tells of the last second, that it says so
// while nothing is counted, and that --quiet is quiet.
func TestProgress(t *testing.T) {
	t.Parallel()
	s := serve(t, acceptAndEnd)
	for flags, want := range map[string]string{
		"--rate 20 --duration 8s":                      `^   \ds  \d+/s  p50 \d+\.\d\d ms  p99 \d+\.\d\d ms  errors 0\n$`,
		"--rate 20 --warmup 8s --duration 200ms":       `^   \ds  warming up\n$`,
		"--rate 20 --duration 8s --quiet":              `^$`,
		"--rate 20 --duration 8s --mode job --wait 1s": `errors 0  jobs done \d+/s, pending \d+\n$`,
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			var lines bytes.Buffer
			if err := run(t.Context(), append(strings.Fields(flags), "--url", s.URL), nil, io.Discard, &lines); err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(want).MatchString(lines.String()) {
				t.Errorf("progress is %q, want %q", &lines, want)
			}
		})
	}
}
