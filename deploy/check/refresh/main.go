// Command refresh writes the descriptions of Azure's resource types in
// deploy/check/types anew. It takes them from the npm package
// @azure/mcp-linux-x64, which it installs into a temporary folder; it makes no
// request to Azure. Run it in the root of the project, on Linux:
//
//	go run ./deploy/check/refresh
//
// The file handwritten.json is not touched: it describes types for which the
// package has no data.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/asyncreply/asyncreply/deploy/check"
)

const (
	source = "@azure/mcp-linux-x64@2.0.5"
	folder = "deploy/check/types"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "refresh:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	known, err := check.ResourceTypes()
	if err != nil {
		return err
	}
	used, err := check.UsedTypes("deploy")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "refresh-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	npm := exec.CommandContext(ctx, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", dir, source)
	npm.Stdout, npm.Stderr = os.Stderr, os.Stderr
	if err := npm.Run(); err != nil {
		return fmt.Errorf("npm install: %w", err)
	}
	program := filepath.Join(dir, "node_modules", "@azure", "mcp-linux-x64", "dist", "azmcp")
	providers := map[string][]*check.ResourceType{}
	for _, name := range used {
		if t := known[strings.ToLower(name)]; t != nil && t.Source != "" {
			continue // handwritten
		}
		described, err := describe(ctx, program, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		provider, _, _ := strings.Cut(name, "/")
		providers[provider] = append(providers[provider], trim(described))
	}
	return write(providers)
}

// describe asks the program for one type.
func describe(ctx context.Context, program, name string) (*answer, error) {
	cmd := exec.CommandContext(ctx, program, "bicepschema", "get", "--resource-type", name)
	cmd.Env = append(os.Environ(), "AZURE_MCP_COLLECT_TELEMETRY=false", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1")
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	a := &answer{}
	return a, json.Unmarshal(out, a)
}

// write replaces the files, one for each provider.
func write(providers map[string][]*check.ResourceType) error {
	old, err := filepath.Glob(filepath.Join(folder, "Microsoft.*.json"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for provider, types := range providers {
		slices.SortFunc(types, func(a, b *check.ResourceType) int { return strings.Compare(a.Type, b.Type) })
		text, err := json.MarshalIndent(types, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, provider+".json"), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
