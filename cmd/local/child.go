package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/asyncreply/asyncreply/cmd/internal/child"
)

// startChild starts a service and writes the lines it logs to log.
func startChild(name, bin string, environ []string, ready string, log io.Writer) (*child.Child, error) {
	output, input := io.Pipe()
	go copyLines(log, name, output)
	return child.Start(child.Spec{
		Name: name, Path: filepath.Join(bin, name), Environ: environ, Ready: ready, Output: input,
	})
}

// command is what to type to start another process of the service.
func command(c *child.Child, settings string) string {
	path := c.Path()
	if here, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(relative) {
			path = relative
		}
	}
	return fmt.Sprintf("(. %s && %s)", settings, path)
}

// lockedWriter lets several children write whole lines to one place.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// copyLines puts the service's name in front of each of its lines.
func copyLines(to io.Writer, name string, from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			fmt.Fprintf(to, "%-8s | %s", name, line)
		}
		if err != nil {
			return
		}
	}
}
