//go:build !unix

package system

import "errors"

// Hold is not to be had here.
func (v *Service) Hold() error { return errors.New("this system cannot hold a process") }

// Release does nothing: no service is held.
func (v *Service) Release() error { return nil }
