package localazure

import (
	"os/exec"
	"syscall"
)

func inOwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// runTied runs cmd to its end. Should this process be killed first, cmd goes on to its end.
func runTied(cmd *exec.Cmd) error {
	return cmd.Run()
}
