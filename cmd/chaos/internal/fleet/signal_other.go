//go:build !unix

package fleet

import "syscall"

// Where there is no SIGSTOP, a process that would be frozen is killed.
const (
	signalStop     = syscall.SIGKILL
	signalContinue = syscall.SIGKILL
	signalEnd      = syscall.SIGKILL
	signalDump     = syscall.SIGKILL
)

func childAttributes() *syscall.SysProcAttr { return nil }
