package localazure

import (
	"io"
	"os/exec"
	"time"
)

// process is a running child that takes the end of its standard input as the request to stop.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	output *output
	done   chan struct{} // closed when the child has ended
	err    error         // how it ended, once done is closed
}

// startProcess starts cmd in a process group of its own, so that a Ctrl-C at the terminal reaches the parent alone,
// which then decides when to stop the child.
func startProcess(cmd *exec.Cmd, out *output) (*process, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second
	inOwnGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, output: out, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop asks the child to end, kills it after the grace period, and returns when it has ended. It reports whether it
// ended without being killed.
func (p *process) stop(grace time.Duration) bool {
	p.stdin.Close() // fails only if the child has ended already
	select {
	case <-p.done:
		return true
	case <-time.After(grace):
		p.kill()
		return false
	}
}

// kill ends the child at once and returns when it has ended.
func (p *process) kill() {
	p.cmd.Process.Kill() // fails only if the child has ended already
	<-p.done
}
