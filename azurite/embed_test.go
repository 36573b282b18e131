package azurite_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/asyncreply/asyncreply/azurite"
)

type lockedPackage struct {
	Name, Version, Resolved, Integrity string
	Dependencies                       map[string]string
}

func readLock(t *testing.T) map[string]lockedPackage {
	t.Helper()
	text, err := fs.ReadFile(azurite.Package, "package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct{ Packages map[string]lockedPackage }
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	if len(lock.Packages) < 100 {
		t.Fatalf("the lock file names %d packages only", len(lock.Packages))
	}
	return lock.Packages
}

// The lock file needs no registry but the one that npm is set up for, and pins each package that comes from it by its
// hash.
func TestLockFile(t *testing.T) {
	for path, locked := range readLock(t) {
		ours := path == "" || locked.Resolved == "file:absent"
		if !ours && !strings.HasPrefix(locked.Integrity, "sha512-") {
			t.Errorf("%s is not pinned by a hash", path)
		}
		if !ours && locked.Resolved != "" {
			t.Errorf("%s comes from %s", path, locked.Resolved)
		}
	}
}

// Azurite is pinned to one version, and its telemetry client is not installed.
func TestAzuriteIsPinned(t *testing.T) {
	lock := readLock(t)
	pinned := lock[""].Dependencies["azurite"]
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(pinned) {
		t.Errorf("package.json asks for azurite %q", pinned)
	}
	if got := lock["node_modules/azurite"].Version; got != pinned {
		t.Errorf("package.json asks for %s, the lock file has %s", pinned, got)
	}
	if got := lock["node_modules/applicationinsights"].Resolved; got != "file:absent" {
		t.Errorf("applicationinsights comes from %q", got)
	}
}

// The compose file starts the same Azurite, on the ports that local runs use and on this machine only, and gives
// Microsoft's Service Bus emulator our queues.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Image          string
			Ports, Volumes []string
		}
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	if got, want := compose.Services["azurite"].Image, "mcr.microsoft.com/azure-storage/azurite:"+readLock(t)["node_modules/azurite"].Version; got != want {
		t.Errorf("image %s, want %s", got, want)
	}
	var ports []string
	for _, service := range []string{"azurite", "servicebus"} {
		ports = append(ports, compose.Services[service].Ports...)
	}
	want := "127.0.0.1:10000:10000 127.0.0.1:10001:10001 127.0.0.1:10002:10002 127.0.0.1:5672:5672 127.0.0.1:5300:5300"
	if got := strings.Join(ports, " "); got != want {
		t.Errorf("ports %s, want %s", got, want)
	}
	config, mounted := strings.CutSuffix(compose.Services["servicebus"].Volumes[0], ":/ServiceBus_Emulator/ConfigFiles/Config.json:ro")
	if _, err := os.Stat(config); !mounted || err != nil {
		t.Errorf("the emulator's configuration is %s: %v", config, err)
	}
}
