package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// growWorkers measures how fast several workers do jobs that have piled up.
// Storage is started anew for each number of them.
func (b *bench) growWorkers(ctx context.Context) error {
	g := &growth{
		Title:   "Workers",
		Columns: []string{"workers", "jobs done/s"},
		Note: fmt.Sprintf("A burst of %d jobs. All workers share this machine's cores with storage, of which there is one in one thread.",
			b.burstJobs),
	}
	return grow(ctx, b, g, []int{1, 2, 4}, strconv.Itoa, func(ctx context.Context, n int) ([]float64, error) {
		rate, err := b.burstOf(ctx, n)
		return []float64{rate}, err
	})
}

// burstOf gives the jobs a second that n workers do.
func (b *bench) burstOf(ctx context.Context, n int) (float64, error) {
	s, c, err := b.startWarm(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	defer c.close()
	workers, err := heldWorkers(ctx, s, n)
	if err != nil {
		return 0, err
	}
	urls, err := c.postAll(ctx, b.burstJobs)
	if err != nil {
		return 0, err
	}
	for _, w := range workers {
		err = errors.Join(err, w.Release())
	}
	if err := errors.Join(err, awaitEmpty(ctx, s)); err != nil {
		return 0, err
	}
	done := time.Now()
	began, err := checkDone(ctx, s, urls)
	return float64(len(urls)) / done.Sub(began).Seconds(), err
}

// heldWorkers starts workers that do nothing before they are released.
func heldWorkers(ctx context.Context, s *system.System, n int) ([]*system.Service, error) {
	var workers []*system.Service
	for range n {
		w, err := s.StartWorker(ctx)
		if err != nil {
			return nil, err
		}
		if err := w.Hold(); err != nil {
			return nil, err
		}
		workers = append(workers, w)
	}
	return workers, nil
}
