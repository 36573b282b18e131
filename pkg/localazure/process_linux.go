package localazure

import (
	"os/exec"
	"runtime"
	"syscall"
)

func inOwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// runTied runs cmd to its end; the kernel kills it should this process die first. The kernel ties a child to the
// thread that started it (prctl(2), PR_SET_PDEATHSIG), so this one is kept meanwhile.
func runTied(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}
