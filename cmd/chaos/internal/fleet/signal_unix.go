//go:build unix && !linux

package fleet

import "syscall"

const (
	signalStop     = syscall.SIGSTOP
	signalContinue = syscall.SIGCONT
	signalEnd      = syscall.SIGTERM
	signalDump     = syscall.SIGQUIT
)

// childAttributes gives a child a process group of its own.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
