package main

import (
	"context"
	"net/http"
	"net/url"
)

// caller sends one request after another.
type caller interface {
	call(t ticket)
}

// submitter is a caller that submits and leaves it at that.
type submitter struct {
	*loadTest
	transport *http.Transport
	tally     *tally
	posts     []*post // one for each operation
}

func (l *loadTest) newSubmitter(ctx context.Context, over *http.Transport, to *tally) (*submitter, error) {
	s := &submitter{loadTest: l, transport: over, tally: to}
	for _, operation := range l.options.operations {
		p, err := newPost(ctx, l.base+"/api/"+operation.name, l.header, l.payload)
		if err != nil {
			return nil, err
		}
		s.posts = append(s.posts, p)
	}
	return s, nil
}

// call implements [caller].
func (s *submitter) call(t ticket) { s.submit(t) }

// submit sends a request and reports whether it was accepted.
func (s *submitter) submit(t ticket) (accepted http.Header, ok bool) {
	p := s.posts[s.order[t.number%int64(len(s.order))]]
	a := exchange(s.transport, p.ready())
	if a.status < 200 || a.status > 299 {
		if t.counted {
			s.tally.failed(a.status, a.sample("POST"))
		}
		return nil, false
	}
	if t.counted {
		s.tally.answered(a.status, t.due)
	}
	s.urls.add(a.header.Get("Location"))
	return a.header, true
}

// poller is a caller that asks for the status of given jobs.
type poller struct {
	*loadTest
	transport *http.Transport
	tally     *tally
	request   *http.Request
}

func (l *loadTest) newPoller(ctx context.Context, over *http.Transport, to *tally) *poller {
	request := (&http.Request{Method: http.MethodGet, URL: new(url.URL), Header: l.header}).WithContext(ctx)
	return &poller{loadTest: l, transport: over, tally: to, request: request}
}

// call implements [caller].
func (p *poller) call(t ticket) {
	p.request.URL = p.pollURLs[t.number%int64(len(p.pollURLs))]
	a := exchange(p.transport, p.request)
	switch {
	case !t.counted:
	case a.status >= 200 && a.status <= 299 || a.status == http.StatusFound:
		p.tally.answered(a.status, t.due)
	default:
		p.tally.failed(a.status, a.sample("GET"))
	}
}
