package fleet

import "syscall"

const (
	signalStop     = syscall.SIGSTOP
	signalContinue = syscall.SIGCONT
	signalEnd      = syscall.SIGTERM
	signalDump     = syscall.SIGQUIT
)

// childAttributes gives a child a process group of its own and lets the kernel
// end it if this process dies without ending it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
