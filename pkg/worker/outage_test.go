package worker_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestStorageOutage keeps the promise that an outage of a store, however the
// calls go wrong, costs time only: no attempt, no result, no second delivery.
func TestStorageOutage(t *testing.T) {
	for _, c := range []struct {
		name  string
		begin func(w *world, wrong fault)
	}{
		{"of the records", func(w *world, wrong fault) { w.records.setFault(func(string) fault { return wrong }) }},
		{"of the payloads", func(w *world, wrong fault) { w.payloads.setFault(func(string) fault { return wrong }) }},
		{"of the results", func(w *world, wrong fault) { w.results.setFault(func(string) fault { return wrong }) }},
	} {
		for wrong, how := range map[fault]string{faultFails: "calls fail", faultMute: "replies are lost"} {
			t.Run(c.name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					r := w.start(func(ctx context.Context, j *worker.Job) error {
						time.Sleep(3 * time.Second)
						c.begin(w, wrong)
						time.Sleep(3 * time.Second)
						return echo(ctx, j)
					})
					m := w.message("")
					m.PayloadBlob, m.PayloadSize = "blob", 8
					w.payloads.blobs["blob"] = []byte("patience")
					w.queue.send(m, nil)
					id := m.ID
					time.Sleep(4 * time.Minute)
					synctest.Wait()
					if got := w.queue.settlements(); len(got) != 0 && !w.records.now(id).Status.Terminal() {
						t.Errorf("settled before the record was terminal: %v", got)
					}
					c.begin(w, faultNone)
					got := w.untilTerminal(id)
					r.end(t)
					if got.Status != job.StatusSucceeded || got.Attempt != 1 || string(w.results.content(got.Result.Blob)) != "patience" {
						t.Errorf("record: %+v", got)
					}
					if got := w.queue.settlements(); !slices.Equal(got, []string{"complete"}) {
						t.Errorf("settlements: %v", got)
					}
				})
			})
		}
	}
}

// TestRetryIsCountedOnce keeps the promise that a lost reply to the write of a
// retry does not use up two attempts.
func TestRetryIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if j.Attempt > 1 {
				return nil
			}
			writes := 0
			w.records.setFault(func(operation string) fault {
				if writes++; operation != "get" && writes < 3 {
					return faultMute
				}
				return faultNone
			})
			return worker.RetryAfter(30*time.Second, errOutage)
		})
		id := w.submit("")
		got := w.untilTerminal(id)
		r.end(t)
		if got.FailedAttempts != 1 || got.Attempt != 2 || got.Status != job.StatusSucceeded {
			t.Errorf("record: %+v", got)
		}
	})
}

// TestOutageAtLookup keeps the promise that a worker that cannot read a job's
// record waits for the store instead of using up deliveries.
func TestOutageAtLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.records.setFault(func(string) fault { return faultFails })
		r := w.start(echo)
		ids := []job.ID{w.submit("a"), w.submit("b")}
		time.Sleep(5 * time.Minute)
		w.records.setFault(nil)
		for _, id := range ids {
			w.untilTerminal(id)
		}
		r.end(t)
		if got := w.queue.settlements(); !slices.Equal(got, []string{"complete", "complete"}) {
			t.Errorf("settlements: %v", got)
		}
	})
}

// TestCompletionFails keeps the promise that a finished job whose message
// could not be completed runs nothing when it is delivered again.
func TestCompletionFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.payloads.blobs["big"] = []byte("big payload")
		runs := 0
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			runs++
			return echo(ctx, j)
		})
		w.queue.setFault(func(operation string) error {
			if operation == "complete" {
				return errOutage
			}
			return nil
		})
		m := w.message("")
		m.PayloadBlob, m.PayloadSize = "big", 11
		w.queue.send(m, nil)
		got := w.untilTerminal(m.ID)
		time.Sleep(time.Second)
		w.queue.setFault(nil)
		time.Sleep(2 * time.Minute)
		r.end(t)
		if active, _ := w.queue.counts(); active != 0 || runs != 1 || len(w.payloads.names()) != 0 {
			t.Errorf("%d messages left after %d runs, payloads %v", active, runs, w.payloads.names())
		}
		if string(w.results.content(got.Result.Blob)) != "big payload" {
			t.Errorf("result: %q", w.results.content(got.Result.Blob))
		}
	})
}

// TestUploadFails keeps the promise that a streamed result whose upload breaks
// makes the attempt fail, to be tried again.
func TestUploadFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			w.results.setFault(func(string) fault {
				if j.Attempt == 1 {
					return faultFails
				}
				return faultNone
			})
			_, _ = j.Result("text/plain").Write(make([]byte, 1<<20)) // the worker knows of it all the same
			return nil
		})
		got := w.untilTerminal(w.submit(""))
		r.end(t)
		if got.Status != job.StatusSucceeded || got.FailedAttempts != 1 || got.LastError.Code != job.CodeServerBusy || got.Result.Size != 1<<20 {
			t.Errorf("record: %+v, last error %+v", got, got.LastError)
		}
	})
}

// TestResultInDoubtStays keeps the promise that a result which the record may
// name is not removed by a worker that lost its lock before it knew.
func TestResultInDoubtStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			w.queue.setFault(func(string) error { return errOutage })
			w.records.setFault(func(operation string) fault {
				if operation == "get" {
					return faultFails
				}
				return faultMute
			})
			return echo(ctx, j)
		})
		got := w.untilTerminal(w.submit("in doubt"))
		time.Sleep(2 * time.Minute)
		w.queue.setFault(nil)
		w.records.setFault(nil)
		time.Sleep(2 * time.Minute)
		r.end(t)
		if string(w.results.content(got.Result.Blob)) != "in doubt" {
			t.Errorf("the result is gone; there are %v", w.results.names())
		}
	})
}

// TestUploadFailsAtItsEnd keeps the promise that a streamed result of which it
// is not known whether it was stored does not count and does not stay.
func TestUploadFailsAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if j.Attempt == 1 {
				w.results.setFault(func(operation string) fault {
					if operation == "put" {
						return faultMute
					}
					return faultNone
				})
			} else {
				w.results.setFault(nil)
			}
			_, err := j.Result("text/plain").Write(make([]byte, 1<<20))
			return err
		})
		got := w.untilTerminal(w.submit(""))
		r.end(t)
		if got.Status != job.StatusSucceeded || got.FailedAttempts != 1 || got.LastError.Message != "The result could not be stored." {
			t.Errorf("record: %+v, last error %+v", got, got.LastError)
		}
		if names := w.results.names(); len(names) != 1 {
			t.Errorf("results: %v", names)
		}
	})
}

// TestLockLostWhileStoring keeps the promise that a worker that loses its lock
// while its result waits for storage leaves the job to the next delivery.
func TestLockLostWhileStoring(t *testing.T) {
	for name, size := range map[string]int{"buffered": 1, "streamed": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				blocked := make(chan struct{})
				w.options.Results = blockedResults{w.results, blocked}
				r := w.start(func(ctx context.Context, j *worker.Job) error {
					_, err := j.Result("text/plain").Write(make([]byte, size))
					return err
				})
				id := w.submit("")
				synctest.Wait()
				w.queue.expireLocks()
				time.Sleep(w.queue.lockTime)
				close(blocked)
				got := w.untilTerminal(id)
				r.end(t)
				if got.Status != job.StatusSucceeded || got.FailedAttempts != 0 || len(w.results.names()) != 1 {
					t.Errorf("record: %+v, results %v", got, w.results.names())
				}
			})
		})
	}
}

// blockedResults holds every Put up until the channel is closed.
type blockedResults struct {
	*memBlobs
	blocked chan struct{}
}

func (b blockedResults) Put(ctx context.Context, name string, content io.Reader, p job.BlobProperties) error {
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	select {
	case <-b.blocked:
		return b.memBlobs.Put(ctx, name, bytes.NewReader(text), p)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestScheduleFails keeps the promise that no retry is lost when its copy
// cannot be scheduled while the lock lasts.
func TestScheduleFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.queue.setFault(func(string) error { return errOutage })
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			if j.Attempt == 1 {
				return errOutage
			}
			return nil
		})
		id := w.submit("")
		w.queue.setFault(func(operation string) error {
			if operation == "receive" {
				return nil
			}
			return errOutage
		})
		time.Sleep(5 * time.Minute)
		w.queue.setFault(nil)
		got := w.untilTerminal(id)
		r.end(t)
		if got.Status != job.StatusSucceeded || got.Attempt != 2 || got.FailedAttempts != 1 {
			t.Errorf("record: %+v", got)
		}
	})
}
