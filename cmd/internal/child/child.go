// Package child starts the programs of this project as processes of their own,
// waits until they are ready, and stops them.
package child

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Spec says what to start.
type Spec struct {
	Name    string // for errors
	Path    string
	Args    []string
	Environ []string // NAME=value, all of it
	Ready   string   // URL that answers 200 when the program is ready

	// Output gets what the program writes, and is closed when it has ended. An
	// [os.File] is the program's own: writing to it costs this process nothing.
	Output io.WriteCloser
}

// Child is a process that runs, or has ended.
type Child struct {
	spec  Spec
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; read after ended
}

// Start starts a program. It does not wait until the program is ready.
func Start(spec Spec) (*Child, error) {
	c := &Child{spec: spec, cmd: exec.Command(spec.Path, spec.Args...), ended: make(chan struct{})}
	c.cmd.Env = spec.Environ
	c.cmd.SysProcAttr = attributes()
	c.cmd.Stdout, c.cmd.Stderr = spec.Output, spec.Output
	started := make(chan error)
	go c.live(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w (make build builds it)", spec.Name, err)
	}
	return c, nil
}

// live starts the process and waits for its end on one thread, because the
// signal that ends an orphan is bound to the thread that started it.
func (c *Child) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer c.spec.Output.Close()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	c.err = c.cmd.Wait()
	close(c.ended)
}

// Name is what the child was called when it was started.
func (c *Child) Name() string { return c.spec.Name }

// Path is the program's.
func (c *Child) Path() string { return c.cmd.Path }

// PID is the number of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Ended gives a channel that is closed when the process has ended.
func (c *Child) Ended() <-chan struct{} { return c.ended }

// Err says how the process ended. It waits for that.
func (c *Child) Err() error {
	<-c.ended
	return c.err
}

// AwaitReady returns when the program answers that it is ready, or with an
// error when it has ended or ctx is done.
func (c *Child) AwaitReady(ctx context.Context) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !Answers(ctx, c.spec.Ready) {
		select {
		case <-c.ended:
			return fmt.Errorf("%s ended before it was ready: %w", c.spec.Name, c.err)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", c.spec.Name, context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

// Answers reports whether a GET of url gives 200 within 5 s.
func Answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Stop asks the process to end, ends it when grace is over, and returns when
// it has ended.
func (c *Child) Stop(grace time.Duration) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended, or where there is no such signal
	select {
	case <-c.ended:
	case <-time.After(grace):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}
