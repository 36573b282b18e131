package main

import (
	"context"
	"strconv"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/stock"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

const (
	queueRequests = 5000 // accepted at each length of the queue
	queueTakes    = 200  // messages received at each
)

// growQueue measures accepting and receiving behind few jobs and behind many
// that are queued.
func (b *bench) growQueue(ctx context.Context) error {
	return b.withOwnOperations(ctx, func(s *system.System) error {
		acceptor, err := s.StartAcceptor(ctx)
		if err != nil {
			return err
		}
		c := b.newCaller(acceptor.URL)
		defer c.close()
		g := &growth{
			Title:   "Jobs queued",
			Columns: []string{"queued", "accepted/s", "accepted p99, ms", "received and completed, p50, ms"},
			Note: "So many messages were in the queue before 64 connections added 5,000 more. Before that the stock SDK received some, the " +
				"oldest first, and completed them, one after another.",
		}
		lengths := []int{10, 1000, b.queuedJobs}
		return grow(ctx, b, g, lengths, strconv.Itoa, func(ctx context.Context, n int) ([]float64, error) {
			if err := emptyQueue(ctx, s, c); err != nil {
				return nil, err
			}
			if err := b.fill(ctx, acceptor.URL, "customer", n); err != nil {
				return nil, err
			}
			return b.behind(ctx, s, c)
		})
	})
}

// behind measures with what is in the queue.
func (b *bench) behind(ctx context.Context, s *system.System, c *caller) ([]float64, error) {
	takes, err := b.takes(ctx, s, c)
	if err != nil {
		return nil, err
	}
	r, err := b.load.Run(ctx, append(b.submit(c.acceptor), "--count", strconv.Itoa(queueRequests), "--duration", "1m")...)
	return []float64{r.PerSecond(), r.LatencyMs.P99, takes}, err
}

// takes gives the median, in milliseconds, of what it takes to receive and
// complete a message. One is sent for each, so that as many stay.
func (b *bench) takes(ctx context.Context, s *system.System, c *caller) (float64, error) {
	q, err := stock.OpenQueue(s.ServiceBus(), system.JobsQueue)
	if err != nil {
		return 0, err
	}
	defer func() { _ = q.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	var took []float64
	for range queueTakes {
		if _, err := c.post(ctx); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := q.Take(ctx); err != nil {
			return 0, err
		}
		took = append(took, milliseconds(time.Since(start)))
	}
	return median(took), nil
}
