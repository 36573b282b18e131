package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// Time between two lines of progress.
const (
	forPeople = time.Second
	forFiles  = 5 * time.Second
)

// progress collects what the callers count, and tells of it now and then.
type progress struct {
	w     io.Writer
	every time.Duration
	load  *loadTest
	when  span
	quit  chan struct{}
	done  sync.WaitGroup

	sum, recent *counts
}

func startProgress(w io.Writer, l *loadTest, when span) *progress {
	p := &progress{
		w: w, every: forFiles, load: l, when: when, quit: make(chan struct{}),
		sum: newCounts(l.options.mode), recent: newCounts(l.options.mode),
	}
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		p.every = forPeople
	}
	if l.options.quiet {
		p.w = io.Discard
	}
	p.done.Go(p.run)
	return p
}

// run tells of the last second whenever a line is due.
func (p *progress) run() {
	ticker := time.NewTicker(forPeople)
	defer ticker.Stop()
	for second := time.Duration(1); ; second++ {
		select {
		case <-p.quit:
			return
		case <-ticker.C:
		}
		p.collect()
		if second*forPeople%p.every == 0 {
			fmt.Fprintln(p.w, p.line())
		}
		p.sum.add(p.recent)
	}
}

func (p *progress) collect() {
	for _, t := range p.load.tallies {
		t.moveTo(p.recent)
	}
}

// line tells of the last second, and of all errors so far.
func (p *progress) line() string {
	c := p.recent
	now := time.Now()
	line := fmt.Sprintf("%4.0fs  ", now.Sub(p.when.begin).Seconds())
	if now.Before(p.when.counting) {
		return line + "warming up"
	}
	line += fmt.Sprintf("%d/s  p50 %.2f ms  p99 %.2f ms  errors %d", c.requests-c.errors,
		float64(c.latency.ValueAtPercentile(50))/1000, float64(c.latency.ValueAtPercentile(99))/1000, p.sum.errors+c.errors)
	if c.jobs != nil {
		pending := p.sum.jobs.pending() + c.jobs.pending()
		line += fmt.Sprintf("  jobs done %d/s, pending %d", c.jobs.ends(), pending)
	}
	return line
}

// stop gives the sum of all.
func (p *progress) stop() *counts {
	close(p.quit)
	p.done.Wait()
	p.collect()
	p.sum.add(p.recent)
	return p.sum
}
