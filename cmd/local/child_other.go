//go:build !linux

package main

import "syscall"

// childAttributes has nothing to ask for that every system knows: a child
// gets Ctrl-C itself, and outlives this process if that is killed.
func childAttributes() *syscall.SysProcAttr { return nil }
