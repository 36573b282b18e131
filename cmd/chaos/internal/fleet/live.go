package fleet

import (
	"os/exec"
	"runtime"
)

// live starts a process and waits for its end on one thread, because the
// signal that ends an orphan is bound to the thread that started it.
func live(cmd *exec.Cmd, started chan<- error, ended chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = cmd.Wait() // how it ended is no news: it was killed, most likely
	close(ended)
}
