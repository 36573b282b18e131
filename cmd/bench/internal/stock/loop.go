package stock

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Loop is a way of writing the results and the terminal rows of many jobs.
type Loop struct {
	Puts  int // results in flight
	Batch int // rows of a transaction; 1 is a plain insert of each
	Rows  int // transactions or inserts in flight
}

// String describes the way.
func (l Loop) String() string {
	if l.Batch == 1 {
		return fmt.Sprintf("%d puts at a time, each followed by its row", l.Puts)
	}
	return fmt.Sprintf("%d puts at a time, and beside them rows in transactions of %d, %d at a time", l.Puts, l.Batch, l.Rows)
}

// Loops are the ways that are worth trying.
func Loops() []Loop {
	return []Loop{
		{Puts: 16, Batch: 1},
		{Puts: 8, Batch: 100, Rows: 1},
		{Puts: 16, Batch: 100, Rows: 1},
		{Puts: 32, Batch: 100, Rows: 1},
		{Puts: 16, Batch: 100, Rows: 2},
	}
}

// Run writes what n jobs leave behind, a row never before its result, and gives
// how long it took.
func (l Loop) Run(ctx context.Context, s *Storage, n int) (time.Duration, error) {
	start := time.Now()
	jobs := make(chan struct{}, n)
	for range n {
		jobs <- struct{}{}
	}
	close(jobs)
	var err error
	if l.Batch == 1 {
		err = l.each(ctx, s, jobs)
	} else {
		err = l.beside(ctx, s, jobs)
	}
	return time.Since(start), err
}

// each writes a row as soon as its result is there.
func (l Loop) each(ctx context.Context, s *Storage, jobs <-chan struct{}) error {
	partition := NewKey("").Row
	return l.put(ctx, s, jobs, partition, func(ctx context.Context, k Key) error { return s.InsertRow(ctx, k) })
}

// put writes results and hands each on.
func (l Loop) put(ctx context.Context, s *Storage, jobs <-chan struct{}, partition string, next func(context.Context, Key) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for range l.Puts {
		group.Go(func() error {
			for range jobs {
				k := NewKey(partition)
				if err := s.PutBlob(ctx, k); err != nil {
					return err
				}
				if err := next(ctx, k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// beside writes rows in full transactions of one partition while results are
// being written.
func (l Loop) beside(ctx context.Context, s *Storage, jobs <-chan struct{}) error {
	partition := NewKey("").Row
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []Key, cap(jobs)/l.Batch+1)
	for range l.Rows {
		group.Go(func() error {
			for batch := range batches {
				if err := s.InsertRows(ctx, batch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(batches)
		full := &batcher{size: l.Batch, full: batches}
		err := l.put(ctx, s, jobs, partition, full.add)
		full.flush()
		return err
	})
	return group.Wait()
}

// batcher collects keys. The channel has room for all batches.
type batcher struct {
	mu   sync.Mutex
	size int
	keys []Key
	full chan<- []Key
}

func (b *batcher) add(_ context.Context, k Key) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keys = append(b.keys, k); len(b.keys) == b.size {
		b.full <- b.keys
		b.keys = nil
	}
	return nil
}

func (b *batcher) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.keys) > 0 {
		b.full <- b.keys
		b.keys = nil
	}
}
