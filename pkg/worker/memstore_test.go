package worker_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// memRecords is a table with versions in memory. It keeps every state that a
// record was in.
type memRecords struct {
	mu      sync.Mutex
	version int
	rows    map[job.ID]job.Record
	history map[job.ID][]job.Record
	reads   int
	fault   func(operation string) fault
}

// fault says how a call goes wrong.
type fault int

const (
	faultNone  fault = iota
	faultFails       // nothing happens
	faultMute        // it happens, but the reply is lost
)

func newMemRecords() *memRecords {
	return &memRecords{rows: map[job.ID]job.Record{}, history: map[job.ID][]job.Record{}}
}

func (s *memRecords) setFault(f func(operation string) fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (s *memRecords) faulty(operation string) fault {
	if s.fault == nil {
		return faultNone
	}
	return s.fault(operation)
}

func (s *memRecords) Get(_ context.Context, id job.ID) (job.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.faulty("get") != faultNone {
		return job.Record{}, errOutage
	}
	r, ok := s.rows[id]
	if !ok {
		return job.Record{}, job.ErrNotFound
	}
	return r, nil
}

func (s *memRecords) Lookup(_ context.Context, ids []job.ID) ([]job.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.faulty("lookup") != faultNone {
		return nil, errOutage
	}
	var found []job.Record
	for _, id := range ids {
		if r, ok := s.rows[id]; ok {
			found = append(found, r)
		}
	}
	return found, nil
}

func (s *memRecords) Insert(_ context.Context, r *job.Record) error {
	return s.write("insert", r, func(stored job.Record, ok bool) error {
		if ok {
			return job.ErrExists
		}
		return nil
	})
}

func (s *memRecords) Update(_ context.Context, r *job.Record) error {
	return s.write("update", r, func(stored job.Record, ok bool) error {
		if !ok {
			return job.ErrNotFound
		}
		if stored.Version != r.Version {
			return job.ErrConflict
		}
		return nil
	})
}

func (s *memRecords) write(operation string, r *job.Record, check func(job.Record, bool) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := s.faulty(operation)
	if wrong == faultFails {
		return errOutage
	}
	stored, ok := s.rows[r.ID]
	if err := check(stored, ok); err != nil {
		return err
	}
	s.version++
	next := *r
	next.Version = strconv.Itoa(s.version)
	s.rows[r.ID] = next
	s.history[r.ID] = append(s.history[r.ID], next)
	if wrong == faultMute {
		return errOutage
	}
	r.Version = next.Version
	return nil
}

// readCount gives how many reads there were.
func (s *memRecords) readCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// past gives every state that the record was in.
func (s *memRecords) past(id job.ID) []job.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history[id])
}

// now gives the record; its zero value if there is none.
func (s *memRecords) now(id job.ID) job.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[id]
}

// memBlobs is a container in memory.
type memBlobs struct {
	mu    sync.Mutex
	blobs map[string][]byte
	fault func(operation string) fault
}

func newMemBlobs() *memBlobs { return &memBlobs{blobs: map[string][]byte{}} }

func (b *memBlobs) setFault(f func(operation string) fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = f
}

func (b *memBlobs) faulty(operation string) fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault == nil {
		return faultNone
	}
	return b.fault(operation)
}

func (b *memBlobs) Put(ctx context.Context, name string, content io.Reader, _ job.BlobProperties) error {
	wrong := b.faulty("put")
	if wrong == faultFails {
		return errOutage
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.blobs[name]; ok {
		return job.ErrExists
	}
	b.blobs[name] = text
	if wrong == faultMute {
		return errOutage
	}
	return nil
}

func (b *memBlobs) Open(_ context.Context, name string, _, _ int64) (io.ReadCloser, job.BlobInfo, error) {
	if b.faulty("open") != faultNone {
		return nil, job.BlobInfo{}, errOutage
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	text, ok := b.blobs[name]
	if !ok {
		return nil, job.BlobInfo{}, job.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(text)), job.BlobInfo{Size: int64(len(text))}, nil
}

func (b *memBlobs) Delete(_ context.Context, name string) error {
	if b.faulty("delete") != faultNone {
		return errOutage
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.blobs[name]; !ok {
		return job.ErrNotFound
	}
	delete(b.blobs, name)
	return nil
}

func (b *memBlobs) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.blobs))
}

func (b *memBlobs) content(name string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.blobs[name]
}
