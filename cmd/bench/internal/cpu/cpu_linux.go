package cpu

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc, USER_HZ, which is 100 on every
// architecture that Go runs on.
const tick = 10 * time.Millisecond

// Positions in /proc/{pid}/stat after the command's closing parenthesis, as
// proc_pid_stat(5) counts them less three.
const (
	utime = 14 - 3
	stime = 15 - 3
)

// Of gives the processor time that a process has used until now, to a
// hundredth of a second. It is not known of a process that is gone.
func Of(pid int) Time {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Time{}
	}
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if len(fields) <= stime {
		return Time{}
	}
	user, err := strconv.ParseInt(fields[utime], 10, 64)
	if err != nil {
		return Time{}
	}
	kernel, err := strconv.ParseInt(fields[stime], 10, 64)
	if err != nil {
		return Time{}
	}
	return Time{Used: time.Duration(user+kernel) * tick, Known: true}
}
