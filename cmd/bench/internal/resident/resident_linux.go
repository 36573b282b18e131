package resident

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Peak gives the most that a process has had at any time. It is not known of a
// process that is gone.
func Peak(pid int) Size { return line(pid, "VmHWM:") }

// Now gives what a process has.
func Now(pid int) Size { return line(pid, "VmRSS:") }

// line reads a line of /proc/{pid}/status, which proc_pid_status(5) gives in
// units of 1,024 bytes.
func line(pid int, name string) Size {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Size{}
	}
	for l := range bytes.Lines(text) {
		fields := bytes.Fields(l)
		if len(fields) < 2 || string(fields[0]) != name {
			continue
		}
		units, err := strconv.ParseInt(string(fields[1]), 10, 64)
		return Size{Bytes: units << 10, Known: err == nil}
	}
	return Size{}
}
