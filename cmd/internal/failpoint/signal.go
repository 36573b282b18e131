//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// kill ends the process as a crash of the machine would: nothing is tidied up.
func kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// stop freezes the process. Somebody else has to thaw it.
func stop(d time.Duration) {
	self := os.Getpid()
	thaw := exec.Command("sh", "-c", fmt.Sprintf("sleep %.3f; kill -CONT %d", d.Seconds(), self))
	if err := thaw.Start(); err != nil {
		return
	}
	go func() { _ = thaw.Wait() }()
	_ = syscall.Kill(self, syscall.SIGSTOP)
}
