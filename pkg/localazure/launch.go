package localazure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asyncreply/asyncreply/azurite"
)

// startTimeout is the longest that a started Azurite may take to answer; it needs about a second.
const startTimeout = time.Minute

// keepAlive is how long Azurite keeps an idle connection: longer than Go's clients do (90 s), so that no request meets
// a connection that is just being closed. Azurite's own 5 s lead to resets.
const keepAlive = 120 * time.Second

// start starts an installed Azurite and waits until it answers. On an error it has left no process behind, but
// possibly the lock on the data folder.
func (a *Azurite) start(ctx context.Context, node, dir string, opts *AzuriteOptions) error {
	args := append([]string{"--require", "./" + azurite.StopWithParent, azurite.EntryPoint}, flags(opts)...)
	if !a.inMemory {
		location, err := a.openData(opts.DataDir)
		if err != nil {
			return err
		}
		args = append(args, "--location", location)
	}
	if opts.HTTPS {
		var err error
		if a.identity, err = newIdentity(); err != nil {
			return err
		}
		files, remove, err := a.identity.writeFiles()
		if err != nil {
			return err
		}
		defer remove() // Azurite reads the files before it listens
		args = append(args, files...)
	}
	a.client = newHTTPClient(a.identity)
	cmd := exec.Command(node, args...)
	cmd.Dir, cmd.Env = dir, environment()
	return a.run(ctx, cmd, opts.Log)
}

// run starts cmd and waits until the services that it names answer.
func (a *Azurite) run(ctx context.Context, cmd *exec.Cmd, log io.Writer) error {
	listening := make(chan endpoint, endpointKinds)
	var err error
	if a.process, err = startProcess(cmd, &output{log: log, onLine: watchEndpoints(listening)}); err != nil {
		return fmt.Errorf("localazure: cannot start Azurite: %w", err)
	}
	if err := a.awaitReady(ctx, listening); err != nil {
		a.process.kill()
		a.client.CloseIdleConnections()
		return err
	}
	return nil
}

// flags returns Azurite's arguments but for those that name files. azblob needs the API version check off.
func flags(opts *AzuriteOptions) []string {
	args := []string{"--silent", "--disableTelemetry", "--skipApiVersionCheck"}
	seconds := strconv.Itoa(int(keepAlive.Seconds()))
	listen := func(service string, port int) {
		args = append(args, "--"+service+"Port", strconv.Itoa(port), "--"+service+"KeepAliveTimeout", seconds)
	}
	listen("blob", opts.BlobPort)
	listen("queue", opts.QueuePort)
	listen("table", opts.TablePort)
	if opts.DataDir == "" {
		args = append(args, "--inMemoryPersistence")
	}
	return args
}

// environment returns this process's environment without what would make Azurite another one, such as accounts of the
// user's own.
func environment() []string {
	var env []string
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "AZURITE_") && !strings.HasPrefix(setting, "NODE_OPTIONS=") {
			env = append(env, setting)
		}
	}
	return env
}

// openData makes the data folder and locks it, since two processes would overwrite each other's data.
func (a *Azurite) openData(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("localazure: data folder: %w", err)
	}
	if a.lock, err = tryLockFile(filepath.Join(dir, ".lock")); err != nil {
		return "", fmt.Errorf("localazure: data folder: %w", err)
	}
	if a.lock == nil {
		return "", fmt.Errorf("localazure: data folder %s is in use by another Azurite", dir)
	}
	return dir, nil
}

// portTaken returns the address that Azurite could not listen on, according to what it printed.
func portTaken(printed string) (string, bool) {
	_, address, found := strings.Cut(printed, "EADDRINUSE: address already in use ")
	address, _, _ = strings.Cut(address, ";")
	return address, found
}

// earlyEnd says why Azurite ended before it was ready.
func (a *Azurite) earlyEnd() error {
	printed := a.process.output.last()
	if address, taken := portTaken(printed); taken {
		return fmt.Errorf("localazure: Azurite cannot listen on %s: %w", address, syscall.EADDRINUSE)
	}
	if a.process.err == nil {
		return errors.New("localazure: Azurite ended before it was ready: " + printed)
	}
	return fmt.Errorf("localazure: Azurite ended before it was ready: %s: %w", printed, a.process.err)
}
