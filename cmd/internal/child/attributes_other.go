//go:build !linux

package child

import "syscall"

// attributes has nothing to ask for that every system knows: a child
// gets Ctrl-C itself, and outlives this process if that is killed.
func attributes() *syscall.SysProcAttr { return nil }
