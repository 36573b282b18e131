package main

import (
	"context"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/stock"
)

// loopRound gives the jobs a second whose traces one way of writing leaves in
// storage.
func (b *bench) loopRound(ctx context.Context, sample stock.Sample, loop stock.Loop, written *cost) (float64, error) {
	s, err := b.startSystem(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	storage, err := stock.OpenStorage(ctx, s.Storage().ConnectionString(), sample)
	if err != nil {
		return 0, err
	}
	defer storage.Close()
	if _, err := loop.Run(ctx, storage, b.burstJobs/warmUpPart+1); err != nil {
		return 0, err
	}
	stored := s.StorageCPU()
	took, err := loop.Run(ctx, storage, b.burstJobs)
	written.add(b.burstJobs, s.StorageCPU().Since(stored))
	return float64(b.burstJobs) / took.Seconds(), err
}

// fastest finds the way that writes fastest what a job leaves in storage, of
// which it gives a sample.
func (b *bench) fastest(ctx context.Context) (sample stock.Sample, loop stock.Loop, err error) {
	s, err := b.startSystem(ctx)
	if err != nil {
		return sample, loop, err
	}
	defer s.Close()
	acceptor, err := s.StartAcceptor(ctx)
	if err != nil {
		return sample, loop, err
	}
	c := b.newCaller(acceptor.URL)
	defer c.close()
	url, err := b.fewJobs(ctx, s, c)
	if err != nil {
		return sample, loop, err
	}
	connection := s.Storage().ConnectionString()
	if sample, err = sampleOf(ctx, connection, url); err != nil {
		return sample, loop, err
	}
	acceptor.Stop()
	storage, err := stock.OpenStorage(ctx, connection, sample)
	if err != nil {
		return sample, loop, err
	}
	defer storage.Close()
	loop, err = b.race(ctx, storage)
	return sample, loop, err
}

// sampleOf reads what was written for the job of a status URL.
func sampleOf(ctx context.Context, connection, url string) (stock.Sample, error) {
	id, err := idOf(url)
	if err != nil {
		return stock.Sample{}, err
	}
	return stock.ReadSample(ctx, connection, id)
}

const (
	trials    = 4  // of each way of writing
	trialPart = 25 // the part of a burst that a trial writes
)

// race tries all ways, forth and back, for Azurite gets slower on the way. What
// counts is a way's best trial, which the rest of the machine disturbed least.
func (b *bench) race(ctx context.Context, storage *stock.Storage) (best stock.Loop, err error) {
	loops, n := stock.Loops(), b.burstJobs/trialPart+1
	least := map[stock.Loop]time.Duration{}
	for range trials {
		for _, loop := range loops {
			took, err := loop.Run(ctx, storage, n)
			if err != nil {
				return best, err
			}
			if known := least[loop]; known == 0 || took < known {
				least[loop] = took
			}
		}
		slices.Reverse(loops)
	}
	best = loops[0]
	for _, loop := range loops {
		b.say("burst: up to %4.0f/s by %s", float64(n)/least[loop].Seconds(), loop)
		if least[loop] < least[best] {
			best = loop
		}
	}
	return best, nil
}
