//go:build unix

package processor

import (
	"os/exec"
	"syscall"
)

// ownSession makes the program the leader of a session and process group of
// its own, with no terminal, so that all that it starts can be signaled.
func ownSession(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	endWithWorker(cmd.SysProcAttr)
	return nil
}

// terminateSession asks the program and all that it started to end.
func terminateSession(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// killSession kills the program and all that it started.
func killSession(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
