//go:build !unix

package processor

import (
	"errors"
	"os/exec"
)

func ownSession(*exec.Cmd) error {
	return errors.New("the exec processor needs a Unix system, where a program and its children can be ended together")
}

func terminateSession(*exec.Cmd) {}
func killSession(*exec.Cmd)      {}
