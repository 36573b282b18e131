package localazure

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/azurite"
)

// partialMark is in the name of a folder whose installation is not complete.
const partialMark = ".partial-"

// installation returns the folder of a complete installation of Azurite, making it on first use. The folder's name
// holds a hash of everything that decides its content, and it takes that name only when it is complete, so that a
// folder that is there can be used as it is. cacheDir may be empty.
func installation(ctx context.Context, cacheDir string, log io.Writer) (string, error) {
	if cacheDir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("localazure: no folder to install Azurite in, set CacheDir: %w", err)
		}
		cacheDir = filepath.Join(base, "asyncreply")
	}
	name, err := installationName()
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(filepath.Join(cacheDir, name))
	if err != nil || isDir(dir) {
		return dir, err
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("localazure: cannot install Azurite: %w", err)
	}
	lock, err := lockFile(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("localazure: waiting for another process to install Azurite: %w", err)
	}
	defer lock.unlock()
	if isDir(dir) { // by whoever held the lock
		return dir, nil
	}
	return dir, install(ctx, dir, log)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// installationName returns azurite-VERSION-HASH, the hash being of all files in azurite.Package.
func installationName() (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(azurite.Package, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(azurite.Package, path)
		fmt.Fprintf(hash, "%s %d\n%s", path, len(content), content)
		return err
	})
	if err != nil {
		return "", err
	}
	version, err := azuriteVersion()
	return "azurite-" + version + "-" + hex.EncodeToString(hash.Sum(nil)[:6]), err
}

// azuriteVersion returns the version that azurite.Package pins.
func azuriteVersion() (string, error) {
	text, err := fs.ReadFile(azurite.Package, "package.json")
	if err != nil {
		return "", err
	}
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		return "", fmt.Errorf("localazure: package.json: %w", err)
	}
	return manifest.Dependencies["azurite"], nil
}

// install makes the installation dir in a folder beside it, which then gets its name. The caller holds the lock.
func install(ctx context.Context, dir string, log io.Writer) error {
	npm, err := findNPM(ctx)
	if err != nil {
		return err
	}
	if log != nil {
		fmt.Fprintf(log, "localazure: installing Azurite into %s (first use)\n", dir)
	}
	if err := removePartial(dir); err != nil {
		return fmt.Errorf("localazure: cannot install Azurite: %w", err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+partialMark)
	if err != nil {
		return fmt.Errorf("localazure: cannot install Azurite: %w", err)
	}
	defer os.RemoveAll(partial)
	if err := os.CopyFS(partial, azurite.Package); err != nil {
		return fmt.Errorf("localazure: cannot install Azurite: %w", err)
	}
	if err := npmCI(ctx, npm, partial, log); err != nil {
		return err
	}
	if err := os.Rename(partial, dir); err != nil {
		return fmt.Errorf("localazure: cannot install Azurite: %w", err)
	}
	return nil
}

// removePartial removes what installers that were killed have left.
func removePartial(dir string) error {
	entries, err := os.ReadDir(filepath.Dir(dir))
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), filepath.Base(dir)+partialMark) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(filepath.Dir(dir), entry.Name())))
		}
	}
	return err
}

// npmCI runs `npm ci` in dir. Packages that npm has in its own cache are not asked for again: the lock file's hashes
// say that they are the right ones.
func npmCI(ctx context.Context, npm, dir string, log io.Writer) error {
	out := &output{log: log}
	cmd := exec.CommandContext(ctx, npm, "ci", "--prefer-offline", "--loglevel=error")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.WaitDelay = time.Second
	if err := runTied(cmd); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("localazure: installing Azurite: %w", context.Cause(ctx))
		}
		return fmt.Errorf("localazure: cannot install Azurite with npm ci: %s: %w", out.last(), err)
	}
	return nil
}
