package main

import (
	"context"
	"strconv"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/limit"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// connections is how many callers there are at a time, each waiting for its
// answer before it asks again.
const connections = 64

// accept measures how many requests are accepted, and how late the slowest of
// a hundred. No worker runs.
func (b *bench) accept(ctx context.Context) error {
	s, err := b.startSystem(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	acceptor, err := s.StartAcceptor(ctx)
	if err != nil {
		return err
	}
	c := b.newCaller(acceptor.URL)
	defer c.close()
	echo, err := b.echoOfAcceptor(ctx, s, c)
	if err != nil {
		return err
	}
	var ours, limits series
	costs := [3]cost{
		{Of: "accepted request", Process: "acceptor"},
		{Of: "accepted request", Process: "broker"},
		{Of: "request", Process: "Echo server that accepts"},
	}
	err = interleave(b.rounds, func() error {
		if err := emptyQueue(ctx, s, c); err != nil {
			return err
		}
		return b.ourRound(ctx, "accept", acceptor, &ours, b.submit(acceptor.URL), work{&costs[0], acceptor.CPU}, work{&costs[1], s.BrokerCPU})
	}, func() error {
		return b.measureRound(ctx, &limits, b.submit(echo.URL), nil, work{&costs[2], echo.CPU})
	})
	if err != nil {
		return err
	}
	b.report.add(&figure{
		Name: "accept", Title: "accepted at 64 connections", Unit: "1/s", Goal: 0.65, Bound: true, Rounds: pair(ours.rates, limits.rates),
		Limit: "an Echo server that reads the body, gives the same answer and stores nothing",
	}, &costs[0], &costs[1], &costs[2])
	b.report.add(&figure{
		Name: "p99", Title: "accepted at 64 connections, p99", Unit: "ms", Goal: 2, AtMost: true, Bound: true, Rounds: pair(ours.p99s, limits.p99s),
		Limit: "the same server in the same rounds",
	})
	return nil
}

// echoOfAcceptor starts a server that answers as the acceptor does.
func (b *bench) echoOfAcceptor(ctx context.Context, s *system.System, c *caller) (*system.Service, error) {
	request, err := c.request(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := limit.Record(request)
	if err != nil {
		return nil, err
	}
	return s.StartLimit(ctx, "echo-accept", answer)
}

// emptyQueue has the acceptor send to an empty queue, so that no round pays for
// what another left in the broker's memory.
func emptyQueue(ctx context.Context, s *system.System, c *caller) error {
	if err := s.RestartBroker(ctx); err != nil {
		return err
	}
	return c.awaitAccepted(ctx)
}

// submit gives the flags that have requests posted to a server.
func (b *bench) submit(url string) []string {
	return []string{"--mode", "submit", "--url", url, "--payload", b.payload.file, "--connections", strconv.Itoa(connections)}
}
