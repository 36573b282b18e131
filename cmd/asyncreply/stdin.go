package main

import (
	"context"
	"io"
)

// interruptible is a stream of which nobody waits for more when ctx has ended,
// as one would for a terminal.
type interruptible struct {
	ctx    context.Context
	source io.Reader
	read   chan chunk // of the Read in progress, if there is one
	left   chunk
}

type chunk struct {
	content []byte
	err     error
}

// Read implements [io.Reader].
func (r *interruptible) Read(p []byte) (int, error) {
	for len(r.left.content) == 0 && r.left.err == nil {
		if r.read == nil {
			r.read = make(chan chunk, 1)
			go readChunk(r.source, len(p), r.read)
		}
		select {
		case r.left = <-r.read:
			r.read = nil
		case <-r.ctx.Done():
			return 0, context.Cause(r.ctx)
		}
	}
	n := copy(p, r.left.content)
	r.left.content = r.left.content[n:]
	if len(r.left.content) > 0 {
		return n, nil
	}
	return n, r.left.err
}

func readChunk(source io.Reader, size int, to chan<- chunk) {
	buffer := make([]byte, size)
	n, err := source.Read(buffer)
	to <- chunk{buffer[:n], err}
}
