package localazure

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// The Node.js that Azurite runs on. Its package asks for 22, without needing it.
const (
	minNodeMajor = 20
	nodeAdvice   = "install Node.js 20 or newer from https://nodejs.org"
)

// findNPM returns the path of npm, once Node.js is known to be there and not too old.
func findNPM(ctx context.Context) (string, error) {
	node, err := findNode()
	if err != nil {
		return "", err
	}
	out := new(output)
	cmd := exec.CommandContext(ctx, node, "--version")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("localazure: %s --version: %s: %w", node, out.last(), err)
	}
	if version := out.last(); nodeMajor(version) < minNodeMajor {
		return "", fmt.Errorf("localazure: node %s is too old: %s", version, nodeAdvice)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("localazure: npm not found (it comes with Node.js): %s", nodeAdvice)
	}
	return npm, nil
}

func findNode() (string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", fmt.Errorf("localazure: node not found: %s", nodeAdvice)
	}
	return node, nil
}

// nodeMajor returns 22 for v22.11.0, and 0 for what is not a version.
func nodeMajor(version string) int {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	number, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return number
}
