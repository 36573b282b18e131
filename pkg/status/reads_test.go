package status_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/status"
)

// TestStorageReads counts what reaches storage, however often callers ask.
func TestStorageReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		id   func(f *fixture) job.ID
		most int64
	}{
		{"queued", func(f *fixture) job.ID { return f.issue(0) }, 1},
		{"running", func(f *fixture) job.ID { return f.run(f.issue(0)).ID }, 1},
		{"ended", func(f *fixture) job.ID { return f.succeed(f.run(f.issue(0)), "x", "text/plain", "").ID }, 1},
		{"never was", func(*fixture) job.ID { return foreignID() }, 1},
		{"without a record after the longest queue timeout", func(f *fixture) job.ID { return f.issue(25 * time.Hour) }, 1},
		{"past retention", func(f *fixture) job.ID { return f.issue(30 * 24 * time.Hour) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			id := c.id(f)
			start, before := time.Now(), f.reads.count.Load()
			var group sync.WaitGroup
			for range 16 {
				group.Go(func() {
					for _, path := range []string{statusPath(id), operationPath(id), statusPath(id) + "?onComplete=json", statusPath(id) + "/result"} {
						f.get(path)
					}
				})
			}
			group.Wait()
			seconds := int64(time.Since(start) / time.Second)
			if reads := f.reads.count.Load() - before; reads > c.most*(1+seconds) {
				t.Errorf("64 requests in %d s made %d reads", seconds, reads)
			}
		})
	}
}

// held is a store whose reads wait until they are let go, or for their context.
type held struct {
	status.Records
	begun chan struct{}
	letGo chan struct{}
}

func (h *held) Get(ctx context.Context, id job.ID) (job.Record, error) {
	h.begun <- struct{}{}
	select {
	case <-h.letGo:
		return h.Records.Get(ctx, id)
	case <-ctx.Done():
		return job.Record{}, ctx.Err()
	}
}

// TestOneWhoLeavesDoesNotEndTheReadOfOthers states that callers share a read
// but not each other's patience.
func TestOneWhoLeavesDoesNotEndTheReadOfOthers(t *testing.T) {
	t.Parallel()
	h := &held{begun: make(chan struct{}), letGo: make(chan struct{})}
	left := make(chan struct{})
	f := newFixture(t, func(o *status.Options) {
		h.Records = o.Records
		o.Records = h
	})
	id := f.issue(0)
	impatient, leave := context.WithCancel(t.Context())
	go func() {
		defer close(left)
		request, _ := http.NewRequestWithContext(impatient, http.MethodGet, f.base+statusPath(id), nil)
		if _, err := f.client.Do(request); err == nil {
			t.Error("the impatient caller got an answer")
		}
	}()
	receive(t, h.begun)
	others := make(chan answer, 1)
	go func() { others <- f.get(statusPath(id)) }()
	leave()
	receive(t, left)
	select {
	case h.letGo <- struct{}{}:
	case <-h.begun:
		t.Fatal("the read was ended with its first caller")
	}
	receive(t, others).wantStatus(t, http.StatusAccepted)
}
