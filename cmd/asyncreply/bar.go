package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"github.com/asyncreply/asyncreply/pkg/client"
)

const (
	barWidth  = 24
	lineWidth = 79
	redraw    = 200 * time.Millisecond
)

// isTerminal reports whether people read what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// bar shows how far something is, in one line that is drawn again and again. A
// silent bar shows nothing.
type bar struct {
	w      io.Writer
	silent bool
	began  time.Time
	quit   chan struct{}
	done   sync.WaitGroup

	mu      sync.Mutex
	percent float64
	text    string
}

// newBar makes a bar on w, silent where nobody looks.
func newBar(w io.Writer, silent bool) *bar { return startBar(w, silent || !isTerminal(w)) }

func startBar(w io.Writer, silent bool) *bar {
	b := &bar{w: w, silent: silent, began: time.Now(), quit: make(chan struct{})}
	if silent {
		return b
	}
	b.done.Go(func() {
		ticker := time.NewTicker(redraw)
		defer ticker.Stop()
		for {
			select {
			case <-b.quit:
				return
			case <-ticker.C:
				b.draw()
			}
		}
	})
	return b
}

// stop takes the bar away for good.
func (b *bar) stop() {
	if b.silent {
		return
	}
	close(b.quit)
	b.done.Wait()
	b.silent = true
	fmt.Fprint(b.w, eraseLine)
}

const eraseLine = "\r\x1b[K"

func (b *bar) set(percent float64, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.percent, b.text = percent, text
}

func (b *bar) draw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.silent {
		return
	}
	if b.text == "" {
		return
	}
	fmt.Fprint(b.w, eraseLine+line(b.percent, b.text, time.Since(b.began)))
}

// line is the bar: how far, how long since, and what.
func line(percent float64, text string, since time.Duration) string {
	full := int(min(max(percent, 0), 100) / 100 * barWidth)
	text = fmt.Sprintf("[%s%s] %3.0f %% %6s  %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		percent, since.Truncate(time.Second), printable(text))
	for utf8.RuneCountInString(text) > lineWidth {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// show tells of a job.
func (b *bar) show(s *client.Status) {
	text := string(s.State)
	if s.Message != "" {
		text += ": " + s.Message
	}
	if s.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", s.Attempt)
	}
	b.set(s.PercentComplete, text)
}

// retrying tells why something is to be tried again, in a line that stays.
func (b *bar) retrying(err error, delay time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.silent {
		fmt.Fprintf(b.w, "%s%s; trying again in %s\n", eraseLine, printable(err.Error()), delay.Round(100*time.Millisecond))
	}
}

// sending shows how far a file is sent.
func (b *bar) sending(f *os.File, info fs.FileInfo) io.Reader {
	if b.silent || !info.Mode().IsRegular() {
		return f
	}
	return &sentFile{File: f, bar: b, size: info.Size()}
}

// sentFile is a file that tells how far it was read.
type sentFile struct {
	*os.File
	bar  *bar
	size int64
	at   int64
}

// Read implements [io.Reader].
func (f *sentFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.at += int64(n)
	f.bar.moved("sending", f.at, f.size)
	return n, err
}

// Seek implements [io.Seeker].
func (f *sentFile) Seek(offset int64, whence int) (at int64, err error) {
	f.at, err = f.File.Seek(offset, whence)
	return f.at, err
}

// saving shows how far a result is saved.
func (b *bar) saving(r *client.Result) io.Reader {
	if b.silent {
		return r
	}
	return &savedReader{Reader: r, bar: b, size: r.Size}
}

type savedReader struct {
	io.Reader
	bar      *bar
	size, at int64
}

// Read implements [io.Reader].
func (r *savedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.at += int64(n)
	r.bar.moved("saving", r.at, r.size)
	return n, err
}

func (b *bar) moved(verb string, at, size int64) {
	b.set(float64(at)/float64(max(size, 1))*100, fmt.Sprintf("%s %s of %s", verb, bytesOf(at), bytesOf(size)))
}

// bytesOf gives a size for people.
func bytesOf(n int64) string {
	value, unit := float64(n), "bytes"
	for _, next := range []string{"KB", "MB", "GB", "TB"} {
		if value < 1000 {
			break
		}
		value, unit = value/1000, next
	}
	if unit == "bytes" {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
