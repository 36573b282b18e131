package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clock is a program that tells the time, and how long a while took.
const clock = `package main

import (
	"fmt"
	"time"
)

func main() {
	began := time.Now()
	time.Sleep(20 * time.Millisecond)
	fmt.Println(time.Now().Format(time.RFC3339), time.Since(began) < 10*time.Second)
}
`

// TestWrongClock states that a process built with the overlay has the wall
// clock that it is told to have, and measures time as ever.
func TestWrongClock(t *testing.T) {
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "clock.go"), filepath.Join(dir, "clock.exe")
	if err := os.WriteFile(source, []byte(clock), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Source: dir}
	overlay, err := o.overlay(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.run(t.Context(), "build", "-overlay", overlay, "-o", binary, source); err != nil {
		t.Fatal(err)
	}
	for shift, want := range map[string]time.Duration{"": 0, "10m": 10 * time.Minute, "-10m": -10 * time.Minute} {
		cmd := exec.Command(binary)
		cmd.Env = append(os.Environ(), ClockVariable+"="+shift)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		text, whole, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		at, err := time.Parse(time.RFC3339, text)
		if off := time.Until(at) - want; err != nil || off.Abs() > time.Minute || whole != "true" {
			t.Errorf("set %q: the process says %q, %v", shift, out, err)
		}
	}
}
