package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// growConnections measures accepting for few callers and for many. No worker
// runs.
func (b *bench) growConnections(ctx context.Context) error {
	return b.withOwnOperations(ctx, func(s *system.System) error {
		acceptor, err := s.StartAcceptor(ctx)
		if err != nil {
			return err
		}
		c := b.newCaller(acceptor.URL)
		defer c.close()
		g := &growth{
			Title:   "Connections",
			Columns: []string{"connections", "accepted/s", "p50, ms", "p99, ms"},
			Note:    "Payloads of 1 KB; each connection sends its next request when it has its answer. No worker runs.",
		}
		return grow(ctx, b, g, []int{1, 8, 64, 512}, strconv.Itoa, func(ctx context.Context, n int) ([]float64, error) {
			if err := emptyQueue(ctx, s, c); err != nil {
				return nil, err
			}
			r, err := b.underLoad(ctx, append(b.submit(acceptor.URL), "--connections", strconv.Itoa(n)), func() {})
			return rateAndLatencies(r), err
		})
	})
}

// size is a payload's, and how many requests with it are a round.
type size struct {
	name     string
	bytes    int
	requests int
}

func (b *bench) sizes() []size {
	all := []size{{"1 KB", 1 << 10, 20_000}, {"64 KB", 64 << 10, 4000}, {"1 MB", 1 << 20, 300}, {"100 MB", 100 << 20, 8}}
	for i := range all {
		all[i].requests = max(1, int(float64(all[i].requests)*b.round.Seconds()/2))
	}
	return all
}

// payloadCallers is how many send payloads at a time.
const payloadCallers = 8

// growPayload measures accepting small payloads and large ones. Storage is
// started anew for each, for it keeps what it was given.
func (b *bench) growPayload(ctx context.Context) error {
	g := &growth{
		Title:   "Payload",
		Columns: []string{"payload", "accepted/s", "MB/s", "p50, ms"},
		Note: fmt.Sprintf("%d connections. Payloads that fit a message travel in it; larger ones go to Blob first, here Azurite in memory.",
			payloadCallers),
	}
	return grow(ctx, b, g, b.sizes(), func(z size) string { return z.name }, func(ctx context.Context, z size) (values []float64, err error) {
		err = b.withOwnOperations(ctx, func(s *system.System) error {
			values, err = b.acceptSize(ctx, s, z)
			return err
		})
		return values, err
	})
}

func (b *bench) acceptSize(ctx context.Context, s *system.System, z size) ([]float64, error) {
	acceptor, err := s.StartAcceptor(ctx)
	if err != nil {
		return nil, err
	}
	c := b.newCaller(acceptor.URL)
	defer c.close()
	if _, err := c.postAll(ctx, warmUpPosts); err != nil {
		return nil, err
	}
	r, err := b.load.Run(ctx, "--mode", "submit", "--url", acceptor.URL, "--operation", copyOperation, "--size", strconv.Itoa(z.bytes),
		"--connections", strconv.Itoa(min(z.requests, payloadCallers)), "--count", strconv.Itoa(z.requests), "--duration", "5m", "--timeout", "5m")
	return []float64{r.PerSecond(), r.PerSecond() * float64(z.bytes) / (1 << 20), r.LatencyMs.P50}, err
}

// warmUpPosts are small requests before large ones are measured.
const warmUpPosts = 200
