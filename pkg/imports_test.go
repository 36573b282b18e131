// Package pkg_test keeps the rules of docs/architecture.md about who may
// import whom.
package pkg_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/asyncreply/asyncreply/"

// pkgInfo is what `go list` says of one package.
type pkgInfo struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func list(t *testing.T, pattern string) []pkgInfo {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Standard,Imports,Deps", pattern)
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", pattern, err, &stderr)
	}
	var packages []pkgInfo
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkgInfo
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatalf("go list %s found no package", pattern)
	}
	return packages
}

// within reports whether path is one of rooms or lies below one.
func within(path string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return path == room || strings.HasPrefix(path, room+"/")
	})
}

// mayImport says which rooms of this module each room may import, itself and
// the packages below it included. cmd may import everything.
var mayImport = map[string][]string{
	"pkg/job":        {},
	"pkg/operation":  {"pkg/job"},
	"pkg/web":        {"pkg/job", "pkg/operation"},
	"pkg/acceptor":   {"pkg/job", "pkg/operation", "pkg/web"},
	"pkg/worker":     {"pkg/job", "pkg/operation", "pkg/internal/gather"},
	"pkg/status":     {"pkg/job", "pkg/operation", "pkg/web"},
	"pkg/redrive":    {"pkg/job"},
	"pkg/retention":  {"pkg/job"},
	"pkg/estimate":   {"pkg/job"},
	"pkg/internal":   {"pkg/job"},
	"pkg/tablestore": {"pkg/job", "pkg/internal/storageerror", "pkg/internal/gather"},
	"pkg/blobstore":  {"pkg/job", "pkg/internal/storageerror"},
	"pkg/servicebus": {"pkg/job"},
	"pkg/auth":       {"pkg/job", "pkg/web"},
	"pkg/azure":      {},
	"pkg/telemetry":  {},
	"pkg/emulator":   {},
	"pkg/localazure": {"pkg/emulator", "azurite"},
	"azurite":        {},
	"deploy":         {},
	"pkg/client":     {"pkg/job"},
	"pkg/page":       {"pkg/client/browser"},
	"pkg/openapi":    {"pkg/operation"},
}

// TestImportsRunOneWay keeps cmd → services → job, operation, web: adapters
// never import a service or each other.
func TestImportsRunOneWay(t *testing.T) {
	for _, p := range list(t, "./...") {
		if within(p.ImportPath, "cmd", "pkg") && !within(p.ImportPath, "cmd") || within(p.ImportPath, "azurite", "deploy") {
			checkRoom(t, p)
		}
	}
}

func checkRoom(t *testing.T, p pkgInfo) {
	t.Helper()
	for room, allowed := range mayImport {
		if !within(p.ImportPath, room) {
			continue
		}
		for _, imported := range p.Imports {
			own, ok := strings.CutPrefix(imported, module)
			if ok && !within(own, append(allowed, room)...) {
				t.Errorf("%s imports %s; %s may import only %v", p.ImportPath, own, room, allowed)
			}
		}
		return
	}
	if p.ImportPath != "pkg" {
		t.Errorf("%s has no import rule: add one here and to docs/architecture.md", p.ImportPath)
	}
}

// TestSDKsHaveOneImporter keeps each Azure data-plane SDK behind its adapter.
func TestSDKsHaveOneImporter(t *testing.T) {
	const sdk = "github.com/Azure/azure-sdk-for-go/sdk/"
	importers := map[string][]string{
		sdk + "messaging/azservicebus": {"pkg/servicebus", "pkg/azure", "cmd"},
		sdk + "data/aztables":          {"pkg/tablestore", "pkg/azure", "cmd/bench/internal/stock"},
		sdk + "storage/azblob":         {"pkg/blobstore", "pkg/azure", "cmd/bench/internal/stock"},
		sdk + "azidentity":             {"pkg/azure"},
		"github.com/coreos/go-oidc":    {"pkg/auth"},
		"go.opentelemetry.io":          {"pkg/telemetry"},
	}
	for _, p := range list(t, "./...") {
		for _, imported := range p.Imports {
			for path, rooms := range importers {
				if within(imported, path) && !within(p.ImportPath, rooms...) {
					t.Errorf("%s imports %s; only %v may", p.ImportPath, imported, rooms)
				}
			}
		}
	}
}

// TestFailpointsStayOut keeps what lets a process die at named points out of
// every binary that is not built for it.
func TestFailpointsStayOut(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, imported := range p.Imports {
			if imported == module+"cmd/internal/failpoint" {
				t.Errorf("%s imports %s without the build tag failpoints", p.ImportPath, imported)
			}
		}
	}
}

// TestStandardLibraryOnly keeps the domain and the broker free of other
// modules.
func TestStandardLibraryOnly(t *testing.T) {
	standard := map[string]bool{}
	for _, p := range list(t, "std") {
		standard[p.ImportPath] = true
	}
	for _, p := range append(list(t, "./pkg/job"), list(t, "./pkg/emulator/...")...) {
		for _, dep := range p.Deps {
			if !standard[dep] && !strings.HasPrefix(dep, module+"pkg/") {
				t.Errorf("%s depends on %s; it may use the standard library only", p.ImportPath, dep)
			}
		}
	}
}
