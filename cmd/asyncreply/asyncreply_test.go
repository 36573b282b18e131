package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const ada = `{"id":"1","customername":"Ada"}`

// photo lies beside the documentation.
var photo = filepath.Join("..", "..", "docs", "samples", "photo.jpg")

// TestSteps states that a job can be submitted, looked at, waited for and
// fetched by commands of their own, by its URL and by its id, and that their
// output is fit for scripts.
func TestSteps(t *testing.T) {
	t.Parallel()
	url := strings.TrimSuffix(call(t, "submit", "customer", "--data", ada, "--param", "duration=2s").want(t, 0, "").stdout, "\n")
	if !strings.HasPrefix(url, system.status+"/api/RequestStatus/") || strings.Contains(url, "\n") {
		t.Fatalf("submit writes %q, want the status URL", url)
	}
	id := url[strings.LastIndex(url, "/")+1:]
	call(t, "result", url).want(t, exitNotFinished, "NotFinished")
	if out := call(t, "status", id).want(t, 0, "").stdout; !strings.Contains(out, id) || !strings.Contains(out, "progress") {
		t.Errorf("status writes\n%s", out)
	}
	if out := call(t, "watch", id).want(t, 0, "").stdout; out != "Succeeded\n" {
		t.Errorf("watch writes %q", out)
	}
	if out := call(t, "result", id).want(t, 0, "").stdout; !strings.Contains(out, `"Ada"`) {
		t.Errorf("result writes %q", out)
	}
	var s struct {
		ID, Status string
		Result     struct{ Size int64 }
	}
	if err := json.Unmarshal([]byte(call(t, "status", url, "--json").want(t, 0, "").stdout), &s); err != nil || s.ID != id || s.Status != "Succeeded" || s.Result.Size == 0 {
		t.Errorf("status --json writes %+v, %v", s, err)
	}
}

// TestSubmitAndWait states that one command does all of it: a file is sent as
// what it is, and the result is in the folder under the name that it has.
func TestSubmitAndWait(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	call(t, "submit", "thumbnail", photo, "--param", "width=64", "--wait", "--out", folder).want(t, 0, "")
	if head, err := os.ReadFile(filepath.Join(folder, "thumbnail.jpg")); err != nil || !strings.HasPrefix(string(head), "\xff\xd8") {
		t.Errorf("%.20q, %v", head, err)
	}
	out := callWith(t.Context(), ada, []string{"ASYNCREPLY_ACCEPTOR=" + system.acceptor}, "submit", "customer", "-", "--wait").want(t, 0, "")
	if !strings.Contains(out.stdout, `"Ada"`) {
		t.Errorf("from standard input to standard output: %q", out.stdout)
	}
	if out := call(t, "submit", "--wait", "copy", "--data=--", "--content-type", "text/plain").want(t, 0, ""); out.stdout != "--" {
		t.Errorf("the result is %q", out.stdout)
	}
	saved := filepath.Join(folder, "x")
	lines := strings.Split(strings.TrimSpace(call(t, "submit", "copy", photo, "--wait", "--json", "--out", saved).want(t, 0, "").stdout), "\n")
	var last struct {
		Status string
		Result struct {
			File string
			Size int64
		}
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Status != "Succeeded" || last.Result.File != saved {
		t.Errorf("the last line is %s, %v", lines[len(lines)-1], err)
	}
	if info, err := os.Stat(saved); err != nil || info.Size() != last.Result.Size {
		t.Errorf("%v, %v; want %d bytes", info, err, last.Result.Size)
	}
	call(t, "submit", "copy", "--data", "x", "--wait", "--out", folder).want(t, 0, "")
	if text, err := os.ReadFile(filepath.Join(folder, "copy.txt")); err != nil || string(text) != "x" {
		t.Errorf("the result's own name holds %q, %v", text, err)
	}
}

// TestExitStatus states that scripts can tell outcomes apart.
func TestExitStatus(t *testing.T) {
	t.Parallel()
	const unknown = "01a1fd92-adc2-84fa-9c25-373d675ffcb4"
	for name, test := range map[string]struct {
		args []string
		exit int
		says string
	}{
		"failed":             {[]string{"submit", "fail", "--wait"}, exitJobFailed, "the job failed"},
		"refused payload":    {[]string{"submit", "customer", "--data", `{"id":"1"}`}, exitRefused, "/customername is missing"},
		"unknown operation":  {[]string{"submit", "nothing"}, exitRefused, "UnknownOperation"},
		"unknown job":        {[]string{"status", unknown}, exitUnknown, "NotFound"},
		"no such file":       {[]string{"submit", "copy", "/no/such/file"}, exitFailure, "no such file"},
		"a folder":           {[]string{"submit", "copy", "/"}, exitFailure, "folder"},
		"no acceptor":        {[]string{"submit", "copy", "--acceptor", "http://127.0.0.1:1", "--retry-for=-1s"}, exitFailure, "refused"},
		"no command":         {nil, exitUsage, "name a command"},
		"unknown command":    {[]string{"sumbit"}, exitUsage, `"sumbit"`},
		"unknown flag":       {[]string{"submit", "copy", "--wiat"}, exitUsage, "wiat"},
		"too few arguments":  {[]string{"submit"}, exitUsage, "OPERATION"},
		"too many arguments": {[]string{"watch", unknown, unknown}, exitUsage, "URL|ID"},
		"two payloads":       {[]string{"submit", "copy", "x", "--data", "y"}, exitUsage, "both"},
		"out without wait":   {[]string{"submit", "copy", "--out", "x"}, exitUsage, "--wait"},
		"wrong parameter":    {[]string{"submit", "copy", "--param", "x"}, exitUsage, "name=value"},
		"wrong URL":          {[]string{"submit", "copy", "--acceptor", "localhost:8080"}, exitUsage, "localhost:8080"},
		"job elsewhere":      {[]string{"watch", "http://evil.example/api/RequestStatus/" + unknown}, exitUsage, "evil.example"},
		"no job at all":      {[]string{"watch", "x"}, exitUsage, `"x"`},
		"unknown shell":      {[]string{"completion", "csh"}, exitUsage, "bash, zsh, fish"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call(t, test.args...).want(t, test.exit, test.says)
		})
	}
}

// TestCancel states that a job is canceled by a command, and that those who
// watch it learn so.
func TestCancel(t *testing.T) {
	t.Parallel()
	url := strings.TrimSpace(call(t, "submit", "customer", "--data", ada, "--param", "duration=30s").want(t, 0, "").stdout)
	if out := call(t, "cancel", url).want(t, 0, "").stdout; !strings.Contains(out, "Canceled") {
		t.Errorf("cancel writes\n%s", out)
	}
	call(t, "watch", url).want(t, exitJobCanceled, "canceled")
	text := call(t, "watch", url, "--json").want(t, exitJobCanceled, "Canceled").stderr
	var problem struct {
		Code string
		Exit int
	}
	if err := json.Unmarshal([]byte(text), &problem); err != nil || problem.Code != "Canceled" || problem.Exit != exitJobCanceled {
		t.Errorf("with --json standard error is %q, %v", text, err)
	}
}

// TestGivingUp states that --timeout and Ctrl-C end the wait and not the job,
// and say how to go on.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	args := []string{"submit", "customer", "--data", ada, "--param", "duration=5s", "--wait"}
	said := call(t, append(args, "--timeout", "2s")...).want(t, exitTimeout, "asyncreply watch "+system.status).stderr
	call(t, "watch", strings.Fields(said[strings.Index(said, "watch "):])[1]).want(t, 0, "")

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(2*time.Second, cancel)
	callWith(ctx, "", []string{"ASYNCREPLY_ACCEPTOR=" + system.acceptor}, args...).want(t, exitInterrupted, "the job goes on")
}

// TestKey states that two commands with one --key are one job.
func TestKey(t *testing.T) {
	t.Parallel()
	first := call(t, "submit", "copy", "--data", "x", "--key", t.Name()).want(t, 0, "")
	if again := call(t, "submit", "copy", "--data", "x", "--key", t.Name()).want(t, 0, ""); again.stdout != first.stdout {
		t.Errorf("jobs %s and %s", first.stdout, again.stdout)
	}
}

// TestToken states that the token of the environment goes with each request to
// the services, and that it is in no output.
func TestToken(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var tokens []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		tokens = append(tokens, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	out := callWith(t.Context(), "", []string{"ASYNCREPLY_ACCEPTOR=" + server.URL, "ASYNCREPLY_TOKEN=secret"}, "submit", "copy").want(t, exitRefused, "403")
	if len(tokens) != 1 || tokens[0] != "Bearer secret" || strings.Contains(out.stdout+out.stderr, "secret") {
		t.Errorf("authorization was %q, output %+v", tokens, out)
	}
}

// TestHelp states that help is on standard output and names everything.
func TestHelp(t *testing.T) {
	t.Parallel()
	whole := call(t, "--help").want(t, 0, "").stdout
	for _, c := range commands() {
		if !strings.Contains(whole, "\n  "+c.name+" ") {
			t.Errorf("--help does not name %s", c.name)
		}
		own := call(t, c.name, "--help").want(t, 0, "").stdout
		if own != call(t, "help", c.name).want(t, 0, "").stdout {
			t.Errorf("help %s and %s --help differ", c.name, c.name)
		}
		for _, f := range c.flagInfos() {
			if !strings.Contains(own, "  --"+f.name+" ") {
				t.Errorf("%s --help does not name --%s", c.name, f.name)
			}
		}
	}
	if out := call(t, "--version").want(t, 0, "").stdout; out != "asyncreply dev\n" {
		t.Errorf("--version writes %q", out)
	}
	if out := call(t, "operations").want(t, 0, "").stdout; !strings.Contains(out, "thumbnail\t") {
		t.Errorf("operations writes %q", out)
	}
}
