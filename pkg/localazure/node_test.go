package localazure_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/localazure"
)

// Whatever of Node.js is missing or too old is one line that says what to do.
func TestNodeMissing(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	const advice = "install Node.js 20 or newer from https://nodejs.org"
	tests := []struct {
		name string
		make func(path string) error // fills the only folder that programs are looked for in
		want string
	}{
		{"no node", func(string) error { return nil }, "localazure: node not found: " + advice},
		{"no npm", func(path string) error {
			return os.Symlink(node, filepath.Join(path, "node"))
		}, "localazure: npm not found (it comes with Node.js): " + advice},
		{"old node", func(path string) error {
			return os.WriteFile(filepath.Join(path, "node"), []byte("#!/bin/sh\necho v18.20.1\n"), 0o755)
		}, "localazure: node v18.20.1 is too old: " + advice},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := t.TempDir()
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", path)
			_, err := localazure.StartAzurite(t.Context(), &localazure.AzuriteOptions{CacheDir: t.TempDir()})
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// An npm that fails is quoted, and what it has left is not taken for an installation.
func TestNPMFails(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	path, cache := t.TempDir(), t.TempDir()
	if err := os.Symlink(node, filepath.Join(path, "node")); err != nil {
		t.Fatal(err)
	}
	npm := []byte("#!/bin/sh\necho 'npm error network ECONNREFUSED' >&2\nexit 1\n")
	if err := os.WriteFile(filepath.Join(path, "npm"), npm, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path)
	want := "localazure: cannot install Azurite with npm ci: npm error network ECONNREFUSED: exit status 1"
	for range 2 {
		_, err := localazure.StartAzurite(t.Context(), &localazure.AzuriteOptions{CacheDir: cache})
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
