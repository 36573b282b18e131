// Package fleet runs the services' processes: starts them, kills and freezes
// them at any moment, and starts them again.
package fleet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/child"
)

// Spec says what a process is and how it is started, each time anew.
type Spec struct {
	Name    string // such as worker-2
	Path    string
	Environ []string
	Ready   string    // URL that answers 200 when the process is ready
	Log     io.Writer // gets what it writes, each line with its name

	Clock time.Duration // how far it is told to have its clock wrong
}

// Process is one of the fleet, through all its lives.
type Process struct {
	Spec

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{} // closed when this life is over
	lives  int
	frozen bool

	failures []int
}

// Start begins a new life with some more environment.
func (p *Process) Start(more ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd := exec.Command(p.Path)
	cmd.Env = append(append([]string(nil), p.Environ...), more...)
	cmd.SysProcAttr = childAttributes()
	output, input, err := os.Pipe()
	if err != nil {
		return err
	}
	defer input.Close()
	cmd.Stdout, cmd.Stderr = input, input
	ended := make(chan struct{})
	started := make(chan error)
	go p.live(cmd, started, ended)
	if err := <-started; err != nil {
		output.Close()
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	go copyLines(p.Log, p.Name, output)
	p.cmd, p.ended, p.frozen = cmd, ended, false
	p.lives++
	return nil
}

func copyLines(to io.Writer, name string, from io.ReadCloser) {
	defer from.Close()
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			fmt.Fprintf(to, "%s %-10s | %s", time.Now().Format("15:04:05.000"), name, line)
		}
		if err != nil {
			return
		}
	}
}

// AwaitReady returns when the process answers that it is ready, or with an
// error when it has ended or ctx is done.
func (p *Process) AwaitReady(ctx context.Context) error {
	for !child.Answers(ctx, p.Ready) {
		select {
		case <-p.Ended():
			return fmt.Errorf("%s ended before it was ready", p.Name)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.Name, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// Ended gives a channel that is closed when the present life is over.
func (p *Process) Ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// Lives gives how often the process was started.
func (p *Process) Lives() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lives
}

// Failures gives the exit statuses of the lives that ended by an error of their
// own, such as a panic, and not by a signal.
func (p *Process) Failures() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.failures)
}

// Kill ends the process by SIGKILL and waits until it is gone.
func (p *Process) Kill() {
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	<-ended
}

// Terminate asks the process to end, by SIGTERM, and does not wait for it.
func (p *Process) Terminate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(signalEnd)
	}
}

// Dump ends the process by SIGQUIT, which has it write the stacks of all its
// goroutines, where there is that signal.
func (p *Process) Dump() {
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	_ = cmd.Process.Signal(signalDump)
	<-ended
}

// Freeze stops the process by SIGSTOP until Thaw.
func (p *Process) Freeze() { p.signal(true) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() { p.signal(false) }

func (p *Process) signal(freeze bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.frozen == freeze && freeze {
		return
	}
	p.frozen = freeze
	if freeze {
		_ = p.cmd.Process.Signal(signalStop)
	} else {
		_ = p.cmd.Process.Signal(signalContinue)
	}
}

// Stop asks the process to end, and ends it when grace is over.
func (p *Process) Stop(grace time.Duration) {
	p.Thaw()
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	p.Terminate()
	select {
	case <-ended:
	case <-time.After(grace):
		p.Kill()
	}
}
