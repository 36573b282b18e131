package processor

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"sync"
)

// Lengths of a line in bytes; a longer one is logged in pieces, or cut.
const (
	maxLogLine      = 4 << 10
	maxProgressLine = 1 << 10
)

// feed gives the program the payload. That a program does not want all of it
// is no error. A payload that breaks off is: the program is killed before it
// can take what it got for the whole.
func (p *program) feed() {
	defer p.stdin.Close()
	payload := &source{reader: p.job.Payload()}
	_, _ = io.Copy(p.stdin, payload)
	if payload.err == nil {
		return
	}
	select {
	case <-p.exited:
	default:
		p.cancel(payload.err)
		killSession(p.cmd)
	}
}

// collect makes the program's output the result.
func (p *program) collect() {
	defer p.stdout.Close()
	defer close(p.stdoutEnded)
	output := &source{reader: p.stdout}
	if _, err := io.Copy(p.result, output); err != nil && output.err == nil {
		p.cancel(err)
	}
}

// logLines writes what the program says on standard error to the job's log.
func (p *program) logLines() {
	defer p.stderr.Close()
	lines := bufio.NewReaderSize(p.stderr, maxLogLine)
	for {
		line, _, err := lines.ReadLine()
		if text := strings.ToValidUTF8(strings.TrimSpace(string(line)), "\uFFFD"); text != "" {
			p.job.Logger.Info("program wrote to standard error", "line", text)
		}
		if err != nil {
			return
		}
	}
}

// readProgress reads the lines that a program writes to progressFD. It may
// close it.
func (p *program) readProgress() {
	defer p.progress.Close()
	lines := bufio.NewReaderSize(p.progress, maxProgressLine)
	rest := false
	for {
		line, more, err := lines.ReadLine()
		if text := strings.ToValidUTF8(strings.TrimSpace(string(line)), "\uFFFD"); text != "" && !rest {
			p.takeProgress(text)
		}
		if err != nil {
			return
		}
		rest = more
	}
}

// takeProgress understands one line: "42.5 message", "42.5", or "error
// message", which says what the caller is to be told if the program fails.
func (p *program) takeProgress(line string) {
	first, message, _ := strings.Cut(line, " ")
	message = strings.TrimSpace(message)
	if first == "error" && message != "" {
		p.report.set(message)
		return
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(first, "%"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) {
		p.job.Logger.Warn("program wrote a progress line that is not understood", "line", line)
		return
	}
	p.job.Progress(percent, message)
}

// report is what a program last said about its failure.
type report struct {
	mu   sync.Mutex
	text string
}

func (r *report) set(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = text
}

func (r *report) get() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text
}
