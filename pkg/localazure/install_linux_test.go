package localazure_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/localazure"
)

// An installer that is killed leaves no npm behind and nothing that is taken for an installation; the next two
// processes, which start at the same time, install Azurite once, share it, and remove what the first has left.
func TestInstall(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	name, err := localazure.InstallationName()
	if err != nil {
		t.Fatal(err)
	}
	killed := startChild(t, childOptions{CacheDir: cache})
	killed.logUntil(t, "installing Azurite")
	npm := awaitNPM(t, filepath.Join(cache, name)+".partial-")
	killed.kill()
	npm()
	if whole, _ := filepath.Glob(filepath.Join(cache, name+".partial-*", "node_modules", ".package-lock.json")); len(whole) != 0 {
		t.Error("npm went on to its end after its parent was killed")
	}
	if _, err := os.Stat(filepath.Join(cache, name)); !os.IsNotExist(err) {
		t.Fatalf("half an installation has the name of a whole one: %v", err)
	}

	var log strings.Builder
	both := []*child{startChild(t, childOptions{CacheDir: cache}), startChild(t, childOptions{CacheDir: cache})}
	for _, c := range both {
		report, childLog := c.ready(t)
		upload(t, report.ConnectionString, "container", "content")
		log.WriteString(childLog)
	}
	for _, c := range both {
		c.close(t)
	}
	if n := strings.Count(log.String(), "installing Azurite"); n != 1 {
		t.Errorf("installed %d times:\n%s", n, &log)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "*.partial-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// awaitNPM waits until npm works in the folder with the given prefix, and returns what waits for its end.
func awaitNPM(t *testing.T, prefix string) (awaitEnd func()) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case <-tick.C:
			if pids := processesIn(t, prefix); len(pids) > 0 {
				return endOf(t, pids[0])
			}
		case <-timeout:
			t.Fatal("npm has not started")
		}
	}
}
