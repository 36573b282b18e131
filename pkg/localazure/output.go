package localazure

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// tailLines is how many of a child's last lines its error messages quote.
const tailLines = 12

// output receives what a child process prints: it copies all of it to a log, hands on every whole line and keeps the
// last ones for error messages.
type output struct {
	log    io.Writer    // may be nil
	onLine func(string) // may be nil; called in the order of the lines

	mu      sync.Mutex
	partial []byte
	tail    []string
}

// Write never fails: what goes wrong with the log must not end the child.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.log != nil {
		o.log.Write(p)
	}
	o.partial = append(o.partial, p...)
	for {
		line, rest, found := bytes.Cut(o.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		o.line(strings.TrimSpace(string(line)))
		o.partial = append(o.partial[:0], rest...)
	}
}

func (o *output) line(line string) {
	if line == "" {
		return
	}
	if len(o.tail) == tailLines {
		o.tail = o.tail[1:]
	}
	o.tail = append(o.tail, line)
	if o.onLine != nil {
		o.onLine(line)
	}
}

// last returns the end of what was printed, in one line.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.tail
	if rest := strings.TrimSpace(string(o.partial)); rest != "" {
		lines = append(lines[:len(lines):len(lines)], rest)
	}
	if len(lines) == 0 {
		return "it printed nothing"
	}
	return strings.Join(lines, "; ")
}
