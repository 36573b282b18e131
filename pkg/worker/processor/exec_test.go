//go:build unix

package processor_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/processor"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// script makes a handler of a shell script.
func script(text string) worker.Handler {
	return processor.Exec(operation.Exec{Command: []string{"sh", "-c", text}, ContentType: "text/plain"}, nil)
}

// A program reads the payload, and what it writes is the result, with the
// type and name from the operations file.
func TestExecPipes(t *testing.T) {
	h := processor.Exec(operation.Exec{Command: []string{"tr", "a-z", "A-Z"}, ContentType: "text/plain", FileName: "loud.txt"}, nil)
	o := workertest.Run(t.Context(), h, workertest.Request{Payload: []byte("quiet $HOME `id`")})
	if o.Err != nil || string(o.Result) != "QUIET $HOME `ID`" || o.ContentType != "text/plain" || o.FileName != "loud.txt" {
		t.Errorf("%v %q %s %s", o.Err, o.Result, o.ContentType, o.FileName)
	}
}

// More than any pipe holds goes through in both directions unchanged.
func TestExecStreams(t *testing.T) {
	const size = 32 << 20
	want, got := sha256.New(), sha256.New()
	payload := io.TeeReader(&repeat{block: bytes.Repeat([]byte("0123456789abcdef"), 1<<11), left: size}, want)
	j := worker.NewJob(&job.Message{ID: job.ID{15: 1}, PayloadBlob: "b", PayloadSize: size}, 1,
		slog.New(slog.DiscardHandler), hashIO{payload, got})
	err := processor.Exec(operation.Exec{Command: []string{"cat"}}, nil).Handle(t.Context(), j)
	if err != nil || !bytes.Equal(want.Sum(nil), got.Sum(nil)) {
		t.Errorf("%v, digests equal: %v", err, bytes.Equal(want.Sum(nil), got.Sum(nil)))
	}
}

// A program gets a minimal environment, the operation's own variables and the
// facts of the job, and none of the worker's secrets.
func TestExecEnvironment(t *testing.T) {
	h := processor.Exec(operation.Exec{
		Command: []string{"env"}, Env: map[string]string{"TOOL_MODE": "fast", "LANG": "C", "ASYNCREPLY_FAKE": "1"},
	}, &processor.ExecOptions{Environ: []string{"PATH=" + os.Getenv("PATH"), "LANG=de", "TZ=UTC", "STORAGE_CONNECTION_STRING=secret"}})
	o := workertest.Run(t.Context(), h, workertest.Request{
		ID: job.ID{6: 0x80, 8: 0x80, 15: 9}, Operation: "tool", Attempt: 3, ContentType: "text/csv", Payload: []byte("abc"),
		Query: "max-width=64&q=a%20b&q=c&%C3%A9=1",
	})
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	got := strings.Split(strings.TrimSpace(string(o.Result)), "\n")
	slices.Sort(got)
	want := []string{
		"ASYNCREPLY_ATTEMPT=3", "ASYNCREPLY_CONTENT_TYPE=text/csv", "ASYNCREPLY_OPERATION=tool",
		"ASYNCREPLY_PARAM_MAX_WIDTH=64", "ASYNCREPLY_PARAM_Q=a b", "ASYNCREPLY_PARAM__=1",
		"ASYNCREPLY_PROGRESS_FD=3", "ASYNCREPLY_QUERY=max-width=64&q=a%20b&q=c&%C3%A9=1",
		"ASYNCREPLY_REQUEST_GUID=00000000-0000-8000-8000-000000000009", "ASYNCREPLY_SIZE=3",
		"LANG=C", "PATH=" + os.Getenv("PATH"), "TOOL_MODE=fast", "TRACEPARENT=", "TRACESTATE=", "TZ=UTC",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A parameter that no program can be given fails the job and not the worker.
func TestExecNULParameter(t *testing.T) {
	o := workertest.Run(t.Context(), script("true"), workertest.Request{Query: "a=%00"})
	if !o.Verdict.Permanent || o.Verdict.Failure.Code != job.CodeInvalidParameter {
		t.Errorf("%v", o.Err)
	}
}

// A program runs in the operation's folder.
func TestExecDir(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := processor.Exec(operation.Exec{Command: []string{"pwd"}, Dir: dir}, nil)
	if o := workertest.Run(t.Context(), h, workertest.Request{}); o.Err != nil || strings.TrimSpace(string(o.Result)) != dir {
		t.Errorf("%v %s", o.Err, o.Result)
	}
}

// Lines on descriptor 3 are progress; what is no progress is passed over.
func TestExecProgress(t *testing.T) {
	o := workertest.Run(t.Context(), script(`
		echo "12.5 reading" >&3; echo "50" >&3; echo "75% almost  " >&3
		echo "what?" >&3; echo "101 too much" >&3; echo "NaN" >&3; echo "error" >&3
		head -c 5000 /dev/zero | tr '\0' 'x' >&3; echo >&3
		printf '100 done' >&3`), workertest.Request{})
	want := []workertest.Progress{{Percent: 12.5, Message: "reading"}, {Percent: 50}, {Percent: 75, Message: "almost"}, {Percent: 100, Message: "done"}}
	if diff := cmp.Diff(want, o.Progress); o.Err != nil || diff != "" {
		t.Errorf("%v %s", o.Err, diff)
	}
}

// What a program says on standard error is in the job's log, line by line,
// long lines in pieces, and never in the result.
func TestExecLog(t *testing.T) {
	var log bytes.Buffer
	o := workertest.Run(t.Context(), script(`
		echo "first line" >&2; echo >&2; echo result
		head -c 10000 /dev/zero | tr '\0' 'x' >&2; printf '\377last' >&2`),
		workertest.Request{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if o.Err != nil || string(o.Result) != "result\n" {
		t.Errorf("%v %q", o.Err, o.Result)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], `line="first line"`) || !strings.Contains(lines[3], "\uFFFDlast") {
		t.Errorf("%d lines: %.300s", len(lines), log.String())
	}
	for _, line := range lines {
		if len(line) > 5000 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

// What an exit status means; sysexits(3) has the ones with a name.
func TestExecExitStatus(t *testing.T) {
	tests := []struct {
		script    string
		permanent bool
		code      job.Code
		message   string
		detail    string
	}{
		{"exit 1", true, job.CodeHandlerFailed, "The program exited with status 1.", `{"exitStatus":1}`},
		{"exit 64", true, job.CodeHandlerFailed, "The program exited with status 64.", `{"exitStatus":64}`},
		{"exit 65", true, job.CodeInvalidPayload, "The program exited with status 65.", `{"exitStatus":65}`},
		{"exit 69", false, job.CodeHandlerFailed, "The program exited with status 69.", `{"exitStatus":69}`},
		{"exit 71", false, job.CodeHandlerFailed, "The program exited with status 71.", `{"exitStatus":71}`},
		{"exit 74", false, job.CodeHandlerFailed, "The program exited with status 74.", `{"exitStatus":74}`},
		{"exit 75", false, job.CodeHandlerFailed, "The program exited with status 75.", `{"exitStatus":75}`},
		{"exit 78", true, job.CodeHandlerFailed, "The program exited with status 78.", `{"exitStatus":78}`},
		{"exit 127", true, job.CodeHandlerFailed, "The program exited with status 127.", `{"exitStatus":127}`},
		{"exit 137", false, job.CodeHandlerFailed, "The program exited with status 137.", `{"exitStatus":137}`},
		{"exit 255", true, job.CodeHandlerFailed, "The program exited with status 255.", `{"exitStatus":255}`},
		{"kill -SEGV $$", false, job.CodeHandlerFailed, "The program was ended by a signal: segmentation fault.", ""},
		{"kill -KILL $$", false, job.CodeHandlerFailed, "The program was ended by a signal: killed.", ""},
		{"echo 'error no page 7' >&3; exit 3", true, job.CodeHandlerFailed, "no page 7", `{"exitStatus":3}`},
		{"echo 'error first' >&3; echo 'error then' >&3; exit 75", false, job.CodeHandlerFailed, "then", `{"exitStatus":75}`},
	}
	for _, test := range tests {
		o := workertest.Run(t.Context(), script("echo partial; "+test.script), workertest.Request{Payload: []byte("unread")})
		v := o.Verdict
		if o.Err == nil || v.Permanent != test.permanent || v.Failure.Code != test.code || v.Failure.Message != test.message ||
			string(v.Failure.Detail) != test.detail {
			t.Errorf("%s: %v %+v %s", test.script, o.Err, v, v.Failure.Detail)
		}
	}
}

// What a program said of a failure is forgotten when it succeeds all the same.
func TestExecSuccessAfterError(t *testing.T) {
	if o := workertest.Run(t.Context(), script("echo 'error never mind' >&3"), workertest.Request{}); o.Err != nil {
		t.Error(o.Err)
	}
}

// A program that cannot be started is retried, for another worker may have
// it, and the caller is not told where it should have been.
func TestExecNotStarted(t *testing.T) {
	for _, config := range []operation.Exec{
		{Command: []string{"/nonexistent/program"}}, {Command: []string{"no-such-program"}},
		{Command: []string{"/"}}, {Command: []string{"true"}, Dir: "/nonexistent"},
	} {
		before := openFiles(t)
		o := workertest.Run(t.Context(), processor.Exec(config, nil), workertest.Request{Payload: []byte("x")})
		if o.Err == nil || o.Verdict.Permanent || o.Verdict.Failure.Message != "The program could not be started." {
			t.Errorf("%v: %v %+v", config.Command, o.Err, o.Verdict)
		}
		if after := openFiles(t); after > before {
			t.Errorf("%v: %d files are left open", config.Command, after-before)
		}
	}
}

// openFiles counts the open descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// A program need not read its input, or may close what it does not use.
func TestExecIgnoresInput(t *testing.T) {
	payload := make([]byte, 4<<20)
	for _, text := range []string{"echo ok", "head -c 1 >/dev/null; echo ok", "exec <&- 2>&- 3>&-; echo ok"} {
		if o := workertest.Run(t.Context(), script(text), workertest.Request{Payload: payload}); o.Err != nil || string(o.Result) != "ok\n" {
			t.Errorf("%s: %v %q", text, o.Err, o.Result)
		}
	}
}

// Nothing is left behind by a hundred runs: no descriptor, no process.
func TestExecLeavesNothing(t *testing.T) {
	workertest.Run(t.Context(), script("true"), workertest.Request{})
	before := openFiles(t)
	for i := range 100 {
		if o := workertest.Run(t.Context(), script("cat; exit 0"), workertest.Request{Payload: fmt.Append(nil, i)}); o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are left open", after-before)
	}
}
