package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "bring docs/cli.md up to date")

// helpBlock is what a command says of its flags, in docs/cli.md.
var helpBlock = regexp.MustCompile("(?s)```console\n\\$ asyncreply ([a-z]+) --help\n(.*?)```")

// TestFlagsAreDocumented keeps the promise that docs/cli.md has every flag of
// every command.
func TestFlagsAreDocumented(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "cli.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	current := helpBlock.ReplaceAllStringFunc(string(text), func(block string) string {
		command := helpBlock.FindStringSubmatch(block)[1]
		documented[command] = true
		var help []string
		for line := range strings.Lines(callWith(t.Context(), "", nil, command, "--help").want(t, 0, "").stdout) {
			help = append(help, strings.TrimRight(line, " \n")+"\n")
		}
		return "```console\n$ asyncreply " + command + " --help\n" + strings.Join(help, "") + "```"
	})
	for _, c := range commands() {
		if !documented[c.name] {
			t.Errorf("docs/cli.md has no block for %s", c.name)
		}
	}
	switch {
	case current == string(text):
	case *update:
		if err := os.WriteFile(path, []byte(current), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("docs/cli.md is out of date: run go test ./cmd/asyncreply -run TestFlagsAreDocumented -update")
	}
}
