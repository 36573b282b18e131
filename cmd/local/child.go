package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// child is a process of one of the services.
type child struct {
	name  string
	cmd   *exec.Cmd
	ready string        // URL that answers 200 when the service is ready
	ended chan struct{} // closed when the process has ended
	err   error         // how it ended; read after ended
}

// startChild starts a service and writes the lines it logs to log.
func startChild(name, bin string, environ []string, ready string, log io.Writer) (*child, error) {
	c := &child{
		name:  name,
		cmd:   exec.Command(filepath.Join(bin, name)),
		ready: ready,
		ended: make(chan struct{}),
	}
	c.cmd.Env = environ
	c.cmd.SysProcAttr = childAttributes()
	output, input := io.Pipe()
	c.cmd.Stdout, c.cmd.Stderr = input, input
	started := make(chan error)
	go c.live(started, input)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w (make build builds it)", name, err)
	}
	go copyLines(log, name, output)
	return c, nil
}

// command is what to type to start another process of the service.
func (c *child) command(settings string) string {
	path := c.cmd.Path
	if here, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(relative) {
			path = relative
		}
	}
	return fmt.Sprintf("(. %s && %s)", settings, path)
}

// live starts the process and waits for its end on one thread, because the
// signal that ends an orphan is bound to the thread that started it.
func (c *child) live(started chan<- error, output io.Closer) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer output.Close()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	c.err = c.cmd.Wait()
	close(c.ended)
}

// awaitReady returns when the service answers that it is ready.
func (c *child) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !c.isReady(ctx) {
		select {
		case <-c.ended:
			return fmt.Errorf("%s ended before it was ready: %w", c.name, c.err)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", c.name, context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

func (c *child) isReady(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ready, nil)
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

// stop asks the process to end, and ends it when grace is over.
func (c *child) stop(grace time.Duration) {
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(grace):
		c.cmd.Process.Kill()
		<-c.ended
	}
}

// lockedWriter lets several children write whole lines to one place.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// copyLines puts the service's name in front of each of its lines.
func copyLines(to io.Writer, name string, from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			fmt.Fprintf(to, "%-8s | %s", name, line)
		}
		if err != nil {
			return
		}
	}
}
