package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// ClockVariable is the environment variable that sets the wall clock of a
// process built by this package ahead, or back if it is negative: a duration
// such as -10m.
const ClockVariable = "CLOCK_SHIFT"

// shift is added to package time, and asked instead of the runtime.
const shift = `package time

import "syscall"

var clockShift = func() int64 {
	value, _ := syscall.Getenv("` + ClockVariable + `")
	d, _ := ParseDuration(value)
	return int64(d / Second)
}()

func shiftedNow() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = runtimeNow()
	return sec + clockShift, nsec, mono
}
`

// What time.Now says, and what it is to say.
var (
	asksRuntime = []byte("func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n")
	asksShift   = []byte("func Now() Time {\n\tsec, nsec, mono := shiftedNow()\n")
)

// overlay has the standard library itself tell a wrong time: everything in the
// process that reads the wall clock is wrong by as much, the SDKs included, as
// on a machine whose clock is wrong. Timers and the monotonic clock stay right,
// as there. The services' code knows nothing of it.
func (o *Options) overlay(ctx context.Context, dir string) (string, error) {
	root, err := o.run(ctx, "env", "GOROOT")
	if err != nil {
		return "", err
	}
	std := filepath.Join(string(bytes.TrimSpace(root)), "src", "time")
	now, err := os.ReadFile(filepath.Join(std, "time.go"))
	if err != nil {
		return "", err
	}
	if bytes.Count(now, asksRuntime) != 1 {
		return "", errors.New("this version of Go reads the clock in another way than package build knows")
	}
	replace := map[string]string{}
	for name, content := range map[string][]byte{
		"time.go":        bytes.Replace(now, asksRuntime, asksShift, 1),
		"clock_shift.go": []byte(shift),
	} {
		replace[filepath.Join(std, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, text, 0o600)
}
