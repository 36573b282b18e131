//go:build unix && !linux

package processor

import "syscall"

// endWithWorker does nothing: only Linux can end a program with its worker.
func endWithWorker(*syscall.SysProcAttr) {}
