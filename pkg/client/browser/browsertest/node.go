package browsertest

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// packages pins what Node installs.
//
//go:embed npm/package.json npm/package-lock.json npm/.npmrc
var packages embed.FS

// cacheVariable names the folder to install into instead of asyncreply in the
// user's cache folder.
const cacheVariable = "ASYNCREPLY_CACHE"

var modules struct {
	once   sync.Once
	folder string
	err    error
}

// Modules gives the node_modules folder that has the pinned packages.
func Modules(tb testing.TB) string {
	tb.Helper()
	modules.once.Do(func() { modules.folder, modules.err = install() })
	if modules.err != nil {
		tb.Fatal(modules.err)
	}
	return modules.folder
}

// install installs the packages, unless they are there. The folder gets its
// name, which tells what is in it, when it is complete.
func install() (string, error) {
	unlock, err := lock("browser-tests.lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	pinned, err := fs.ReadFile(packages, "npm/package-lock.json")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pinned)
	folder := filepath.Join(cache, "browser-tests-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(folder); err == nil {
		return filepath.Join(folder, "node_modules"), nil
	}
	partial, err := os.MkdirTemp(cache, filepath.Base(folder)+".partial-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(partial)
	if err := npmCI(partial); err != nil {
		return "", err
	}
	return filepath.Join(folder, "node_modules"), os.Rename(partial, folder)
}

// lock waits until no other process holds the lock of that name, so that the
// tests of several packages do not install the same at the same time.
func lock(name string) (unlock func(), err error) {
	cache, err := cacheFolder()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(cache, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return func() { file.Close() }, nil
}

func cacheFolder() (string, error) {
	cache := os.Getenv(cacheVariable)
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(base, "asyncreply")
	}
	return cache, os.MkdirAll(cache, 0o755)
}

func npmCI(folder string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("no npm found: install Node.js 20.3 or newer, which npm comes with")
	}
	files, err := fs.Sub(packages, "npm")
	if err != nil {
		return err
	}
	if err := os.CopyFS(folder, files); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), installTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci", "--prefer-offline", "--loglevel=error")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci of the packages that tests use: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Node runs files of Node's own test runner in a folder of their own, from
// which the pinned packages can be imported, and fails the test if one of
// theirs fails. environ is added to the environment.
func Node(tb testing.TB, environ []string, files ...string) {
	tb.Helper()
	folder := Workspace(tb, files...)
	args := []string{"--test", "--test-reporter=spec"}
	for _, file := range files {
		args = append(args, filepath.Base(file))
	}
	if out, err := Command(tb, folder, environ, "node", args...); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
}

// Workspace makes a folder with copies of the files, from which the pinned
// packages can be imported.
func Workspace(tb testing.TB, files ...string) string {
	tb.Helper()
	folder := tb.TempDir()
	if err := os.Symlink(Modules(tb), filepath.Join(folder, "node_modules")); err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), text, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return folder
}

// Command runs a program of Node, of the pinned packages if they have it, and
// gives what it printed.
func Command(tb testing.TB, folder string, environ []string, name string, args ...string) (string, error) {
	tb.Helper()
	if path := filepath.Join(Modules(tb), ".bin", name); fileExists(path) {
		name = path
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), environ...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
