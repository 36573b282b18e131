//go:build unix

package system

import (
	"fmt"
	"syscall"
)

// Hold keeps the service from running until Release.
func (v *Service) Hold() error { return v.signal(syscall.SIGSTOP) }

// Release lets a service that is held go on.
func (v *Service) Release() error { return v.signal(syscall.SIGCONT) }

func (v *Service) signal(signal syscall.Signal) error {
	if err := syscall.Kill(v.PID(), signal); err != nil {
		return fmt.Errorf("%s to %s: %w", signal, v.Name, err)
	}
	return nil
}
