package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/limit"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// polled is how many jobs are polled in turn.
const polled = 100

// polls are those of one kind: their URLs, and a server that answers as the
// status service does.
type polls struct {
	figure, answer string // what it is called, and what a job in this state is called
	status         int    // of the answer
	urls           []string
	cost, echoCost cost
	ours, limits   series
}

// poll measures how many polls are answered, of jobs that are pending and of
// jobs that are done.
func (b *bench) poll(ctx context.Context) error {
	s, err := b.startSystem(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	urls, err := b.jobsToPoll(ctx, s)
	if err != nil {
		return err
	}
	status, err := s.StartStatus(ctx)
	if err != nil {
		return err
	}
	for _, p := range []*polls{
		{figure: "poll_pending", answer: "pending", status: http.StatusAccepted, urls: urls.pending},
		{figure: "poll_done", answer: "done", status: http.StatusFound, urls: urls.done},
	} {
		if err := b.pollsOf(ctx, s, status, p); err != nil {
			return err
		}
	}
	return nil
}

// pollsOf measures polls of one kind.
func (b *bench) pollsOf(ctx context.Context, s *system.System, status *system.Service, p *polls) error {
	p.cost = cost{Of: "poll of a job that is " + p.answer, Process: "status service"}
	p.echoCost = cost{Of: "poll", Process: "Echo server that says " + p.answer}
	echo, err := echoOfStatus(ctx, s, p)
	if err != nil {
		return err
	}
	defer echo.Stop()
	ours, err := b.pollFlags(p.figure, p.urls, status.URL)
	if err != nil {
		return err
	}
	limits, err := b.pollFlags(p.figure+"-echo", p.urls, echo.URL)
	if err != nil {
		return err
	}
	err = interleave(b.rounds, func() error {
		return b.ourRound(ctx, p.figure, status, &p.ours, ours, work{&p.cost, status.CPU})
	}, func() error {
		return b.measureRound(ctx, &p.limits, limits, nil, work{&p.echoCost, echo.CPU})
	})
	b.report.add(&figure{
		Name: p.figure, Title: "polls of jobs that are " + p.answer, Unit: "1/s", Goal: 0.7, Bound: true, Rounds: pair(p.ours.rates, p.limits.rates),
		Limit: "an Echo server that gives the same answer, always of the same job",
	}, &p.cost, &p.echoCost)
	return err
}

// echoOfStatus starts a server that answers as the status service does.
func echoOfStatus(ctx context.Context, s *system.System, p *polls) (*system.Service, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.urls[0], nil)
	if err != nil {
		return nil, err
	}
	answer, err := limit.Record(request)
	if err != nil {
		return nil, err
	}
	if answer.Status != p.status {
		return nil, fmt.Errorf("a poll of a job that is %s is answered with %d: %.200s", p.answer, answer.Status, answer.Body)
	}
	return s.StartLimit(ctx, "echo-"+p.figure, answer)
}

// pollFlags gives the flags that have URLs polled at a server.
func (b *bench) pollFlags(name string, urls []string, server string) ([]string, error) {
	base, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	for _, u := range urls {
		moved, err := url.Parse(u)
		if err != nil {
			return nil, err
		}
		moved.Host = base.Host
		fmt.Fprintln(&text, moved)
	}
	file := filepath.Join(b.logs, name+".urls")
	flags := []string{"--mode", "poll", "--poll-urls", file, "--connections", strconv.Itoa(connections)}
	return flags, os.WriteFile(file, []byte(text.String()), 0o600)
}

// jobURLs are status URLs by what their jobs are.
type jobURLs struct{ done, pending []string }

// jobsToPoll has some jobs done and others accepted only. It leaves no acceptor
// and no worker.
func (b *bench) jobsToPoll(ctx context.Context, s *system.System) (urls jobURLs, err error) {
	acceptor, err := s.StartAcceptor(ctx)
	if err != nil {
		return urls, err
	}
	defer acceptor.Stop()
	c := b.newCaller(acceptor.URL)
	defer c.close()
	if urls.done, err = b.finishedJobs(ctx, s, c); err != nil {
		return urls, err
	}
	urls.pending, err = c.postAll(ctx, polled)
	return urls, err
}

func (b *bench) finishedJobs(ctx context.Context, s *system.System, c *caller) ([]string, error) {
	worker, err := s.StartWorker(ctx)
	if err != nil {
		return nil, err
	}
	defer worker.Stop()
	urls, err := c.postAll(ctx, polled)
	if err != nil {
		return nil, err
	}
	return urls, awaitEmpty(ctx, s)
}
