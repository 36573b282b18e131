package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// loadTest is one run.
type loadTest struct {
	options  *options
	base     string // of the acceptor, without a slash at the end
	header   http.Header
	payload  []byte
	order    []int
	pollURLs []*url.URL
	urls     *urlFile
	tallies  []*tally
}

func newLoadTest(o *options) (*loadTest, error) {
	l := &loadTest{
		options: o, base: strings.TrimSuffix(o.url, "/"),
		header: http.Header{"User-Agent": {"asyncreply-loadtest/" + version}}, order: o.operations.order(),
	}
	if err := l.prepare(); err != nil {
		return nil, err
	}
	if o.Token != "" {
		l.header.Set("Authorization", "Bearer "+o.Token)
	}
	for name, values := range o.headers {
		l.header[name] = values
	}
	for range min(o.connections, 2*runtime.GOMAXPROCS(0)) {
		l.tallies = append(l.tallies, &tally{counts: newCounts(o.mode)})
	}
	return l, nil
}

// prepare reads what is to be sent or to be visited.
func (l *loadTest) prepare() (err error) {
	if l.options.mode == modePoll {
		if l.pollURLs, err = l.options.readPollURLs(); err == nil {
			l.base = l.pollURLs[0].Scheme + "://" + l.pollURLs[0].Host
		}
		return err
	}
	var contentType string
	if l.payload, contentType, err = l.options.load(); err == nil {
		l.header.Set("Content-Type", contentType)
	}
	return err
}

// readPollURLs reads the file of --poll-urls.
func (o *options) readPollURLs() ([]*url.URL, error) {
	text, err := os.ReadFile(o.pollURLs)
	if err != nil {
		return nil, err
	}
	var all []*url.URL
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := o.admit(line); err != nil {
			return nil, fmt.Errorf("%s: %w", o.pollURLs, err)
		}
		u, err := url.Parse(line)
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	if all == nil {
		return nil, fmt.Errorf("%s: there is no URL in it", o.pollURLs)
	}
	return all, nil
}

// grace is how long requests may take that are being answered when the run is
// interrupted.
const grace = 5 * time.Second

// run sends all requests and tells how they fared. When ctx is done it ends
// early.
func (l *loadTest) run(ctx context.Context, stderr io.Writer) (r *report, err error) {
	if l.urls, err = newURLFile(l.options.urlsOut); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.urls.close()) }()
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	following, drained := context.WithCancel(ctx)
	defer drained()
	callers, release, err := l.callers(requests, following)
	defer release()
	if err != nil {
		return nil, err
	}

	when := l.options.span(time.Now())
	finish := sync.OnceFunc(func() { time.AfterFunc(l.options.drain, drained) })
	defer time.AfterFunc(time.Until(when.end), finish).Stop()
	defer time.AfterFunc(time.Until(when.end)+l.options.timeout, cancel).Stop()
	p := startProgress(stderr, l, when)
	unsent, err := l.drive(ctx, when, callers, finish)
	sum := p.stop()
	if err != nil {
		return nil, err
	}
	return l.report(sum, when, unsent, ctx.Err() != nil), nil
}

// callers makes those who send. Each has a transport, and so a connection, and a
// context of its own until release: none waits for a lock of another, and there
// are as many connections as callers.
func (l *loadTest) callers(requests, following context.Context) (all []caller, release func(), err error) {
	var releases []func()
	release = func() {
		for _, one := range releases {
			one()
		}
	}
	for i := range l.options.connections {
		own, cancel := context.WithCancel(requests)
		transport := newTransport(l.options)
		releases = append(releases, cancel, transport.CloseIdleConnections)
		c, err := l.newCaller(own, following, transport, l.tallies[i%len(l.tallies)])
		if err != nil {
			return nil, release, err
		}
		all = append(all, c)
	}
	return all, release, nil
}

func (l *loadTest) newCaller(requests, following context.Context, over *http.Transport, to *tally) (caller, error) {
	switch l.options.mode {
	case modePoll:
		return l.newPoller(requests, over, to), nil
	case modeJob:
		return l.newFollower(requests, following, over, to)
	}
	return l.newSubmitter(requests, over, to)
}

// drive lets the callers send by the schedule, calls finish when no request is
// to come, and returns when all callers are done.
func (l *loadTest) drive(ctx context.Context, when span, callers []caller, finish func()) (unsent int64, err error) {
	var turns schedule = &closedLoop{span: when, callers: len(callers), ramp: l.options.ramp, limit: l.options.count, spent: finish}
	open := &openLoop{span: when, rate: l.options.rate, ramp: l.options.ramp, limit: l.options.count, tickets: make(chan ticket)}
	if open.rate > 0 {
		turns = open
	}
	var work sync.WaitGroup
	for i, c := range callers {
		work.Go(func() {
			for t, ok := turns.next(ctx, i); ok; t, ok = turns.next(ctx, i) {
				c.call(t)
			}
			finish()
		})
	}
	if open.rate > 0 {
		err = open.run(ctx)
		finish()
	}
	work.Wait()
	return open.unsent, err
}
