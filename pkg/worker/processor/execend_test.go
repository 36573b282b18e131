//go:build unix

package processor_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/processor"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// patience is how long these tests wait for what has to come.
const patience = 20 * time.Second

// quick makes a handler of a shell script with a short grace period.
func quick(text string) worker.Handler {
	return processor.Exec(operation.Exec{Command: []string{"sh", "-c", text}}, &processor.ExecOptions{Grace: 200 * time.Millisecond})
}

// pids reads the process ids that a script wrote to a file, one a line, as
// soon as there are n.
func pids(t *testing.T, file string, n int) []int {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(file)
		var all []int
		for _, line := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(line); err == nil {
				all = append(all, pid)
			}
		}
		if len(all) == n && strings.HasSuffix(string(text), "\n") {
			return all
		}
	}
	t.Fatalf("%d process ids did not come", n)
	return nil
}

// expectGone waits until none of the processes runs any more. One that is
// dead but not yet reaped by init counts as gone.
func expectGone(t *testing.T, all []int) {
	t.Helper()
	for _, pid := range all {
		deadline := time.Now().Add(patience)
		for running(pid) {
			if time.Now().After(deadline) {
				syscall.Kill(pid, syscall.SIGKILL)
				t.Errorf("process %d still runs", pid)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") // see proc_pid_stat(5)
	if err != nil {
		return runtime.GOOS != "linux"
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// family is a script that starts a child and a grandchild, writes the ids of
// all three to $1, ignores SIGTERM if told so, and never ends.
func family(file, trap string) string {
	return trap + `
		sh -c '` + trap + ` sleep 1000 & echo $! >>` + file + `; echo $$ >>` + file + `; wait; wait; sleep 1000' &
		echo $$ >>` + file + `
		wait; wait; sleep 1000`
}

// When a job is given up, the program and its children are told to end and,
// if they do not, killed; the error is the reason.
func TestExecCancelEndsAllProcesses(t *testing.T) {
	for name, trap := range map[string]string{"obedient": "", "deaf": "trap '' TERM;"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pids")
			ctx, cancel := context.WithCancelCause(t.Context())
			outcome := make(chan *workertest.Outcome, 1)
			go func() { outcome <- workertest.Run(ctx, quick(family(file, trap)), workertest.Request{}) }()
			all := pids(t, file, 3)
			start := time.Now()
			cancel(job.ErrAttemptTimeout)
			o := <-outcome
			if !errors.Is(o.Err, job.ErrAttemptTimeout) {
				t.Errorf("got %v", o.Err)
			}
			if took := time.Since(start); took > patience/2 {
				t.Errorf("took %s", took)
			}
			expectGone(t, all)
		})
	}
}

// A program that handles SIGTERM has the grace period to clean up in.
func TestExecCancelIsGraceful(t *testing.T) {
	dir := t.TempDir()
	ready, cleaned := filepath.Join(dir, "ready"), filepath.Join(dir, "cleaned")
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan *workertest.Outcome, 1)
	h := processor.Exec(operation.Exec{Command: []string{"sh", "-c",
		"trap 'echo yes >" + cleaned + "; exit 0' TERM; echo $$ >" + ready + "; while :; do sleep 0.05; done"}}, nil)
	go func() { outcome <- workertest.Run(ctx, h, workertest.Request{}) }()
	pids(t, ready, 1)
	cancel()
	if o := <-outcome; !errors.Is(o.Err, context.Canceled) {
		t.Errorf("got %v, though the job was given up", o.Err)
	}
	if _, err := os.Stat(cleaned); err != nil {
		t.Error("the program could not clean up")
	}
}

// A context that has ended already leaves no process either.
func TestExecCanceledBefore(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(job.ErrShutdown)
	if o := workertest.Run(ctx, quick("sleep 1000"), workertest.Request{}); !errors.Is(o.Err, job.ErrShutdown) {
		t.Errorf("got %v", o.Err)
	}
}

// What a program started and left behind ends with it.
func TestExecKillsLeftovers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	o := workertest.Run(t.Context(), quick("sleep 1000 >/dev/null 2>&1 3>&- & echo $! >"+file+"; echo done"), workertest.Request{})
	if o.Err != nil || string(o.Result) != "done\n" {
		t.Errorf("%v %q", o.Err, o.Result)
	}
	expectGone(t, pids(t, file, 1))
}

// A child that goes on writing after the program has ended is waited for...
func TestExecWaitsForOutput(t *testing.T) {
	h := processor.Exec(operation.Exec{Command: []string{"sh", "-c", "(sleep 0.2; echo late) & echo early"}}, nil)
	if o := workertest.Run(t.Context(), h, workertest.Request{}); o.Err != nil || string(o.Result) != "early\nlate\n" {
		t.Errorf("%v %q", o.Err, o.Result)
	}
}

// ... but not for ever: a result that may not be whole is none.
func TestExecOutputHeldOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	start := time.Now()
	o := workertest.Run(t.Context(), quick("sleep 1000 & echo $! >"+file+"; echo done"), workertest.Request{})
	if !o.Verdict.Permanent || !strings.Contains(o.Verdict.Failure.Message, "kept its output open") {
		t.Errorf("%v", o.Err)
	}
	if took := time.Since(start); took > patience/2 {
		t.Errorf("took %s", took)
	}
	expectGone(t, pids(t, file, 1))
	o = workertest.Run(t.Context(), quick("sleep 1000 & exit 3"), workertest.Request{})
	if o.Verdict.Failure.Message != "The program exited with status 3." {
		t.Errorf("%v", o.Err)
	}
}

// Even a process that left the session and holds every pipe does not keep
// the job from ending.
func TestExecEscapedProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("setsid(1) is of Linux")
		return
	}
	file := filepath.Join(t.TempDir(), "pids")
	start := time.Now()
	workertest.Run(t.Context(), quick("setsid sh -c 'echo $$ >"+file+"; exec sleep 1000' & while ! test -s "+file+"; do sleep 0.01; done"), workertest.Request{})
	if took := time.Since(start); took > patience/2 {
		t.Errorf("took %s", took)
	}
	for _, pid := range pids(t, file, 1) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// A payload that breaks off kills the program before it takes what it got for
// the whole.
func TestExecBrokenPayload(t *testing.T) {
	broken := errors.New("storage is gone")
	file := filepath.Join(t.TempDir(), "took")
	payload := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))
	o := workertest.Run(t.Context(), script("cat >/dev/null; echo yes >"+file), workertest.Request{Stream: payload})
	if !errors.Is(o.Err, broken) || o.Verdict.Permanent {
		t.Errorf("got %v", o.Err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the program went on with half of its payload")
	}
}

// A result that cannot be stored ends the program, however much it has to say.
func TestExecBrokenResult(t *testing.T) {
	broken := errors.New("storage is gone")
	j := worker.NewJob(&job.Message{ID: job.ID{15: 1}}, 1, slog.New(slog.DiscardHandler),
		brokenIO{payload: strings.NewReader(""), result: broken})
	if err := quick("while :; do echo more; done").Handle(t.Context(), j); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// A worker that is killed takes its program with it, where the kernel can do
// that.
func TestExecDiesWithWorker(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux ends a program with its worker")
		return
	}
	file := filepath.Join(t.TempDir(), "pids")
	self := exec.Command(os.Args[0])
	self.Env = append(os.Environ(), "PROCESSOR_TEST_WORKER=echo $$ >"+file+"; exec sleep 1000")
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	all := pids(t, file, 1)
	self.Process.Kill()
	self.Wait()
	expectGone(t, all)
}
