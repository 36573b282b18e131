package processor

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/worker"
)

// progressFD is the file descriptor on which a program reports its progress:
// the first after the three standard ones.
const progressFD = 3

// drainTime is how long reading goes on for what is left in the pipes of a
// session that was killed.
const drainTime = time.Second

// program is one run of a program.
type program struct {
	cmd    *exec.Cmd
	job    *worker.Job
	result io.Writer
	grace  time.Duration

	stdin                    *os.File // written here
	stdout, stderr, progress *os.File // read here
	exited                   chan struct{}
	stdoutEnded              chan struct{}
	cancel                   context.CancelCauseFunc
	report                   report
}

// run runs the program to its end and says what became of it. When it returns
// the program, whatever it started in its session, and all goroutines are gone.
func (p *program) run(ctx context.Context) error {
	// Linux ties the signal that a program gets when its worker dies to the
	// thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	ctx, p.cancel = context.WithCancelCause(ctx)
	defer p.cancel(nil)
	p.exited, p.stdoutEnded = make(chan struct{}), make(chan struct{})
	if err := p.start(); err != nil {
		return failed("The program could not be started.", err)
	}
	var streams sync.WaitGroup
	for _, stream := range []func(){p.feed, p.collect, p.logLines, p.readProgress} {
		streams.Go(stream)
	}
	streams.Go(func() { p.endWith(ctx) })
	waitErr := p.cmd.Wait()
	close(p.exited)

	heldOpen := p.awaitOutput(ctx)
	killSession(p.cmd)
	p.closePipes()
	streams.Wait()
	switch {
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case heldOpen && waitErr == nil:
		return worker.Permanent(failed("The program ended, but something that it started kept its output open.", nil))
	}
	return p.verdict(waitErr)
}

// start starts the program with its four pipes.
func (p *program) start() error {
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	var ends [progressFD + 1]*os.File
	for fd, ours := range []**os.File{&p.stdin, &p.stdout, &p.stderr, &p.progress} {
		r, w, err := os.Pipe()
		if err != nil {
			p.closeAll()
			return err
		}
		if *ours, ends[fd] = r, w; fd == 0 {
			*ours, ends[fd] = w, r
		}
		theirs = append(theirs, ends[fd])
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = ends[0], ends[1], ends[2]
	p.cmd.ExtraFiles = ends[progressFD:]
	err := ownSession(p.cmd)
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.closeAll()
	}
	return err
}

func (p *program) closeAll() {
	for _, f := range []*os.File{p.stdin, p.stdout, p.stderr, p.progress} {
		if f != nil {
			f.Close()
		}
	}
}

// endWith ends the program when ctx does: with SIGTERM, and with SIGKILL if it
// has not ended a grace period later.
func (p *program) endWith(ctx context.Context) {
	select {
	case <-p.exited:
		return
	case <-ctx.Done():
	}
	terminateSession(p.cmd)
	timer := time.NewTimer(p.grace)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		killSession(p.cmd)
	}
}

// awaitOutput waits for the end of the output of a program that has ended. It
// reports whether some other process still holds it open after the grace
// period: then nobody knows whether the result is whole.
func (p *program) awaitOutput(ctx context.Context) (heldOpen bool) {
	timer := time.NewTimer(p.grace)
	defer timer.Stop()
	select {
	case <-p.stdoutEnded:
	case <-ctx.Done():
	case <-timer.C:
		return true
	}
	return false
}

// closePipes lets the goroutines at the pipes come to their end, even where a
// process that left the session holds the other ends open.
func (p *program) closePipes() {
	p.stdin.Close()
	for _, f := range []*os.File{p.stdout, p.stderr, p.progress} {
		f.SetReadDeadline(time.Now().Add(drainTime))
	}
}
