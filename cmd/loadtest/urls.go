package main

import (
	"bufio"
	"errors"
	"os"
	"sync"
)

// urlFile is the file of --urls-out. None is written to where there is no
// name.
type urlFile struct {
	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
}

func newURLFile(name string) (*urlFile, error) {
	if name == "" {
		return &urlFile{}, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return &urlFile{file: file, w: bufio.NewWriterSize(file, 64<<10)}, nil
}

// add writes a line; close tells what went wrong.
func (u *urlFile) add(url string) {
	if u.w == nil || url == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.w.WriteString(url)
	u.w.WriteByte('\n')
}

func (u *urlFile) close() error {
	if u.w == nil {
		return nil
	}
	return errors.Join(u.w.Flush(), u.file.Close())
}
