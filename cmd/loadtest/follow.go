package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// follower is a caller that submits a job and asks for its status until it
// has ended.
type follower struct {
	*submitter
	following context.Context // done when nobody waits for jobs any more
	header    http.Header     // of polls
}

func (l *loadTest) newFollower(requests, following context.Context, over *http.Transport, to *tally) (*follower, error) {
	s, err := l.newSubmitter(requests, over, to)
	if err != nil {
		return nil, err
	}
	header := l.header.Clone()
	header.Del("Content-Type")
	if l.options.wait > 0 {
		header.Set("Prefer", "wait="+strconv.Itoa(int(l.options.wait/time.Second)))
	}
	return &follower{s, following, header}, nil
}

// call implements [caller].
func (f *follower) call(t ticket) {
	accepted, ok := f.submit(t)
	if !ok {
		return
	}
	f.count(t, func(j *jobCounts) { j.accepted++ })
	request, err := f.poll(accepted.Get("Location"))
	if err != nil {
		f.ended(t, 0, outcome{failed: true, sample: "Location: " + err.Error()})
		return
	}
	first := retryAfter(accepted)
	if f.options.wait > 0 {
		first = 0
	}
	f.follow(t, request, first)
}

// count changes the counts, for a job that is counted.
func (f *follower) count(t ticket, change func(*jobCounts)) {
	if t.counted {
		f.tally.do(func(c *counts) { change(c.jobs) })
	}
}

// poll gives the request that asks for a job's status.
func (f *follower) poll(location string) (*http.Request, error) {
	base, err := url.Parse(f.base)
	if err != nil {
		return nil, err
	}
	if location == "" {
		return nil, errors.New("there is none")
	}
	u, err := base.Parse(location)
	if err != nil {
		return nil, err
	}
	request := &http.Request{Method: http.MethodGet, URL: u, Header: f.header}
	return request.WithContext(f.following), f.options.admit(u.String())
}

// follow polls until the job has ended, or nobody waits any more.
func (f *follower) follow(t ticket, request *http.Request, pause time.Duration) {
	for polls := int64(1); ; polls++ {
		if pause > 0 && !sleep(f.following, pause) {
			return
		}
		a := exchange(f.transport, request)
		if a.status == 0 && f.following.Err() != nil {
			return
		}
		f.count(t, func(j *jobCounts) { j.polls++ })
		switch o := judge(&a); {
		case o.ended():
			f.ended(t, polls, o)
			return
		case o.sample != "":
			f.troubled(t, o.sample)
			pause = retryAfter(a.header)
		default:
			pause = f.pause(a.header)
		}
	}
}

// pause is how long to wait before the next poll: not at all where the service
// did the waiting.
func (f *follower) pause(polled http.Header) time.Duration {
	if f.options.wait > 0 && polled.Get("Preference-Applied") != "" {
		return 0
	}
	return retryAfter(polled)
}

// ended counts the end of a job.
func (f *follower) ended(t ticket, polls int64, o outcome) {
	now := time.Now()
	if !t.counted {
		return
	}
	f.tally.do(func(c *counts) {
		switch {
		case o.succeeded:
			c.jobs.succeeded++
		case o.canceled:
			c.jobs.canceled++
		case o.failed:
			c.jobs.failed++
		}
		if o.sample != "" {
			c.sample(o.sample)
		}
		record(c.jobs.latency, now.Sub(t.due).Microseconds())
		record(c.jobs.perJob, polls)
		c.jobs.lastEnd = later(c.jobs.lastEnd, now)
	})
}

// troubled counts a poll that got no useful answer.
func (f *follower) troubled(t ticket, sample string) {
	if t.counted {
		f.tally.do(func(c *counts) {
			c.jobs.pollErrors++
			c.sample(sample)
		})
	}
}

// outcome is what a poll tells.
type outcome struct {
	succeeded, failed, canceled bool
	sample                      string // of what went wrong
}

func (o *outcome) ended() bool { return o.succeeded || o.failed || o.canceled }

// judge reads the answer to a poll. What may be better at the next poll ends
// no job.
func judge(a *answer) outcome {
	switch a.status {
	case http.StatusAccepted:
		return outcome{}
	case http.StatusOK, http.StatusFound, http.StatusSeeOther:
		return outcome{succeeded: true}
	case http.StatusConflict:
		return outcome{canceled: true}
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return outcome{sample: a.sample("poll")}
	}
	return outcome{failed: true, sample: a.sample("poll")}
}

// retryAfter is the pause that the service asks for (RFC 9110, section
// 10.2.3), a second if it asks for none.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return time.Second
}
