package status

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// slowRecords is a store that takes its time and counts its reads.
type slowRecords struct {
	Records
	takes time.Duration
	reads atomic.Int64
}

func (s *slowRecords) Get(context.Context, job.ID) (job.Record, error) {
	s.reads.Add(1)
	time.Sleep(s.takes)
	return job.Record{}, job.ErrNotFound
}

// TestReadsUnderExtremePolling states that however often pending jobs are polled
// each is read once a second at most, and that all who ask at the same time share
// one read.
func TestReadsUnderExtremePolling(t *testing.T) {
	for _, c := range []struct {
		name              string
		jobs, polls, most int // polls of each job a second
		seconds           int
		spread            time.Duration // that the polls of one job spread over
		takes             time.Duration // a read
	}{
		{"10,000 polls a second of 100 jobs", 100, 100, 300, 3, time.Second, 5 * time.Millisecond},
		{"1,000 at once of one job", 1, 1000, 1, 1, 0, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
				if err != nil {
					t.Fatal(err)
				}
				store := &slowRecords{takes: c.takes}
				s, err := New(&Options{BaseURL: "https://status.example", Keys: ring, Records: store, Signer: constant{}, Results: constant{}})
				if err != nil {
					t.Fatal(err)
				}
				e := web.New(nil)
				s.Register(e)
				issuer := job.NewIssuer(ring, nil)
				var pollers sync.WaitGroup
				for range c.jobs {
					path := pathStatus + issuer.Issue("").String()
					for i := range c.polls {
						pollers.Go(func() {
							time.Sleep(c.spread * time.Duration(i) / time.Duration(c.polls))
							pollEachSecond(t, e, path, c.seconds)
						})
					}
				}
				pollers.Wait()
				if reads := int(store.reads.Load()); reads > c.most {
					t.Errorf("%d reads, want at most %d", reads, c.most)
				}
			})
		})
	}
}

func pollEachSecond(t *testing.T, handler http.Handler, path string, times int) {
	for range times {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusAccepted {
			t.Errorf("answered %d", answer.Code)
		}
		time.Sleep(time.Second)
	}
}
