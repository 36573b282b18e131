package main

import (
	"testing"

	"github.com/asyncreply/asyncreply/cmd/internal/helptest"
)

// TestFlagsAreDocumented keeps the promise that docs/cli.md has every flag of
// every command.
func TestFlagsAreDocumented(t *testing.T) {
	document := helptest.Document{
		Name: "cli.md", Prompt: "asyncreply ",
		Help: func(command string) string {
			return callWith(t.Context(), "", nil, command, "--help").want(t, 0, "").stdout
		},
	}
	for _, c := range commands() {
		document.Commands = append(document.Commands, c.name)
	}
	document.Check(t)
}
