package localazure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Lines are handed on whole and in order however the output is cut, and all of it is copied to the log.
func TestOutputLines(t *testing.T) {
	const text = "first\r\n\nsecond line\nthird"
	for size := 1; size <= len(text); size++ {
		var log strings.Builder
		var lines []string
		out := &output{log: &log, onLine: func(line string) { lines = append(lines, line) }}
		for chunk := range slices.Chunk([]byte(text), size) {
			out.Write(chunk)
		}
		if want := []string{"first", "second line"}; !slices.Equal(lines, want) {
			t.Errorf("in pieces of %d: lines %q", size, lines)
		}
		if log.String() != text {
			t.Errorf("in pieces of %d: log %q", size, &log)
		}
		if want := "first; second line; third"; out.last() != want {
			t.Errorf("in pieces of %d: last %q", size, out.last())
		}
	}
}

// Error messages quote the last lines only, however much there was.
func TestOutputKeepsTheEnd(t *testing.T) {
	out := new(output)
	if got := out.last(); got != "it printed nothing" {
		t.Errorf("before anything was printed: %q", got)
	}
	for i := range 10 * tailLines {
		fmt.Fprintf(out, "line %d\n", i)
	}
	lines := strings.Split(out.last(), "; ")
	if len(lines) != tailLines || lines[0] != "line 108" || lines[tailLines-1] != "line 119" {
		t.Errorf("the last lines are %q", lines)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no room") }

// A log that cannot be written does not stop the child that prints into it.
func TestOutputBrokenLog(t *testing.T) {
	out := &output{log: brokenWriter{}}
	if n, err := out.Write([]byte("line\n")); n != 5 || err != nil {
		t.Errorf("Write gives %d, %v", n, err)
	}
}
