package check_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSyntax states that a grammar of Bicep that is not ours, tree-sitter's,
// takes the files too, and sees where one is broken.
func TestSyntax(t *testing.T) {
	var paths []string
	err := fs.WalkDir(deployed, ".", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".bicep") {
			paths = append(paths, filepath.Join("..", name))
		}
		return err
	})
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	broken := filepath.Join(t.TempDir(), "broken.bicep")
	if err := os.WriteFile(broken, []byte("param a string\nvar b = [a\nvar c = '${a'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := strings.Fields(syntax(t, append(paths, broken)...))
	isBroken := func(line string) bool { return strings.HasPrefix(line, broken) }
	if !slices.ContainsFunc(found, isBroken) {
		t.Errorf("nothing is wrong with %s", broken)
	}
	if rest := slices.DeleteFunc(found, isBroken); len(rest) > 0 {
		t.Errorf("not Bicep at %s", strings.Join(rest, ", "))
	}
}

// syntax runs the grammar on files.
func syntax(t *testing.T, paths ...string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node not found: install Node.js 20 or newer from https://nodejs.org")
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{filepath.Join(installed(t), "syntax.mjs")}, paths...)...)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Logf("%s", exit.Stderr)
		}
		t.Fatal(err)
	}
	return string(out)
}

// installed gives the folder with the grammar, which the first run installs
// into the cache. Its name holds a hash of what decides its content, and it
// gets that name when it is complete.
func installed(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("ASYNCREPLY_CACHE")
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(base, "asyncreply")
	}
	source := os.DirFS("syntax")
	hash := sha256.New()
	for _, name := range []string{".npmrc", "package.json", "package-lock.json", "syntax.mjs"} {
		content, err := fs.ReadFile(source, name)
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(content)
	}
	dir := filepath.Join(cache, "bicep-syntax-"+hex.EncodeToString(hash.Sum(nil)[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	partial, err := os.MkdirTemp(cache, filepath.Base(dir)+".partial-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(partial)
	if err := os.CopyFS(partial, source); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--prefer-offline", "--loglevel=error")
	npm.Dir = partial
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	// Where another run was quicker, what it installed is the same.
	if err := os.Rename(partial, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return dir
}
