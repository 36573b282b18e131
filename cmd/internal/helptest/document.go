// Package helptest holds documents to what commands say of themselves.
package helptest

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "bring the document up to date")

// Document says which file has the --help of which commands.
type Document struct {
	Name     string                      // of the file in docs
	Prompt   string                      // what a block has before the command's name, as in bin/
	Commands []string                    // those of which there is to be a block
	Help     func(command string) string // what a command says
}

// Check states that the document has a block for each command with what that
// says now. With the flag -update it brings the blocks up to date. It is for
// tests in a folder of cmd.
func (d *Document) Check(t *testing.T) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", d.Name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```console\n\\$ " + d.Prompt + "([a-z-]+) --help\n.*?```")
	documented := map[string]bool{}
	current := block.ReplaceAllStringFunc(string(text), func(found string) string {
		command := block.FindStringSubmatch(found)[1]
		documented[command] = true
		return "```console\n$ " + d.Prompt + command + " --help\n" + trim(d.Help(command)) + "```"
	})
	for _, command := range d.Commands {
		if !documented[command] {
			t.Errorf("docs/%s has no block for %s", d.Name, command)
		}
	}
	switch {
	case current == string(text):
	case *update:
		if err := os.WriteFile(path, []byte(current), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/%s is out of date: run this test with -update", d.Name)
	}
}

// trim removes the space at the ends of lines, and empty lines in the end.
func trim(help string) string {
	var trimmed strings.Builder
	for line := range strings.Lines(strings.TrimRight(help, "\n")) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String()
}
