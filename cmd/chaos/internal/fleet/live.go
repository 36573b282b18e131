package fleet

import (
	"os/exec"
	"runtime"
)

// live starts a process and waits for its end on one thread, because the
// signal that ends an orphan is bound to the thread that started it.
func (p *Process) live(cmd *exec.Cmd, started chan<- error, ended chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code > 0 { // -1 is a signal
		p.mu.Lock()
		p.failures = append(p.failures, code)
		p.mu.Unlock()
	}
	close(ended)
}
