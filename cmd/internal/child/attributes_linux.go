package child

import "syscall"

// attributes gives a child a process group of its own, so that Ctrl-C
// reaches this process alone, and lets the kernel end it if this process dies
// without stopping it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
