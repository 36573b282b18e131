package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "bring docs/configuration.md up to date")

// helpBlock is what a command says of its settings, in docs/configuration.md.
var helpBlock = regexp.MustCompile("(?s)```console\n\\$ bin/([a-z-]+) --help\n(.*?)```")

// TestConfigurationIsDocumented keeps the promise that docs/configuration.md
// has every flag and environment variable of every command with its default.
func TestConfigurationIsDocumented(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "configuration.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	current := helpBlock.ReplaceAllStringFunc(string(text), func(block string) string {
		command := helpBlock.FindStringSubmatch(block)[1]
		documented[command] = true
		return "```console\n$ bin/" + command + " --help\n" + help(t, command) + "```"
	})
	for _, command := range commands(t) {
		if !documented[command] {
			t.Errorf("docs/configuration.md has no block for %s", command)
		}
	}
	switch {
	case current == string(text):
	case *update:
		if err := os.WriteFile(path, []byte(current), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("docs/configuration.md is out of date: run go test ./cmd/local -run TestConfigurationIsDocumented -update")
	}
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

func help(t *testing.T, command string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(binaries, command), "--help").Output()
	if err != nil {
		t.Fatalf("%s --help: %v", command, err)
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}
