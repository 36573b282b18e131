package localazure_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// endOf returns a function that waits until the process has ended. It is to be called while the process runs, which
// need not be a child of this one.
func endOf(t *testing.T, pid int) (wait func()) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return func() {
		t.Helper()
		deadline := time.Now().Add(30 * time.Second)
		for {
			left := max(time.Until(deadline), 0)
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds()))
			switch {
			case errors.Is(err, unix.EINTR):
			case err != nil:
				t.Fatal(err)
			case n == 0:
				t.Fatalf("process %d still runs", pid)
			default:
				return
			}
		}
	}
}

// processesIn returns the ids of the processes whose working directory is dir or below it.
func processesIn(t *testing.T, dir string) []int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, link := range links {
		cwd, err := os.Readlink(link)
		if err == nil && strings.HasPrefix(cwd, dir) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// When Close has returned, Azurite's process is gone and reaped, with or without data to save.
func TestCloseLeavesNoProcess(t *testing.T) {
	for name, dataDir := range map[string]string{"in memory": "", "on disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			azurite := startAzurite(t, dataDir)
			pid := azurite.PID()
			if err := syscall.Kill(pid, 0); err != nil {
				t.Fatalf("process %d before Close: %v", pid, err)
			}
			if err := azurite.Close(); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("process %d after Close: %v", pid, err)
			}
			if err := azurite.Close(); err != nil {
				t.Errorf("second Close: %v", err)
			}
		})
	}
}

// A parent that is killed by SIGKILL leaves no Azurite behind, and what Azurite had acknowledged is saved.
func TestKilledParentLeavesNoAzurite(t *testing.T) {
	options := childOptions{CacheDir: os.Getenv("ASYNCREPLY_CACHE"), DataDir: t.TempDir()}
	parent := startChild(t, options)
	report, _ := parent.ready(t)
	container := localazuretest.Name(t)
	upload(t, report.ConnectionString, container, "kept")
	awaitEnd := endOf(t, report.PID)

	parent.kill()
	awaitEnd()

	again := startAzurite(t, options.DataDir)
	if got := download(t, again.ConnectionString(), container); got != "kept" {
		t.Errorf("after the restart the blob holds %q", got)
	}
}

// An Azurite that dies by itself says so on Done and in Err, with how it ended.
func TestAzuriteDies(t *testing.T) {
	azurite := startAzurite(t, "")
	if err := azurite.Err(); err != nil {
		t.Fatalf("Err while it runs: %v", err)
	}
	if err := syscall.Kill(azurite.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-azurite.Done()
	if err := azurite.Err(); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("Err after its end: %v", err)
	}
}
