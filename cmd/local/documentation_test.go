package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/cmd/internal/helptest"
)

// TestConfigurationIsDocumented keeps the promise that docs/configuration.md
// has every flag and environment variable of every command with its default.
func TestConfigurationIsDocumented(t *testing.T) {
	document := helptest.Document{
		Name: "configuration.md", Prompt: "bin/", Commands: commands(t),
		Help: func(command string) string {
			out, err := exec.Command(filepath.Join(binaries, command), "--help").Output()
			if err != nil {
				t.Fatalf("%s --help: %v", command, err)
			}
			return string(out)
		},
	}
	document.Check(t)
}

// commands lists the commands that read settings.
func commands(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); name != "internal" && !strings.HasPrefix(name, "bench") {
			names = append(names, name)
		}
	}
	return names
}
