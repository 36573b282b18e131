package worker_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestQuickJobCostsOneWrite keeps the promise that a job that ends before its
// first heartbeat is one read, one result and one record, with no renewal.
func TestQuickJobCostsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(echo)
		id := w.submit("hello")
		got := w.untilTerminal(id)
		r.end(t)
		sum := sha256.Sum256([]byte("hello"))
		if got.Status != job.StatusSucceeded || got.Result == nil || got.Result.Size != 5 ||
			got.Result.SHA256 != hex.EncodeToString(sum[:]) || got.Result.ContentType != "text/plain" {
			t.Fatalf("record: %+v result: %+v", got, got.Result)
		}
		if string(w.results.content(got.Result.Blob)) != "hello" {
			t.Errorf("result: %q", w.results.content(got.Result.Blob))
		}
		if n := len(w.records.past(id)); n != 1 || w.records.reads != 1 || w.queue.renewals != 0 {
			t.Errorf("%d writes, %d reads, %d renewals", n, w.records.reads, w.queue.renewals)
		}
		if active, dead := w.queue.counts(); active+dead != 0 {
			t.Errorf("%d messages left, %d dead", active, dead)
		}
	})
}

// TestLongJobIsClaimedAndKept keeps the promise that a running job has a
// record within a second, a heartbeat every four, and its lock renewed each
// fifteen.
func TestLongJobIsClaimedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			time.Sleep(3 * time.Minute)
			return nil
		})
		id := w.submit("")
		time.Sleep(1100 * time.Millisecond)
		if got := w.records.now(id); got.Status != job.StatusRunning || got.Attempt != 1 {
			t.Errorf("after a second: %+v", got)
		}
		got := w.untilTerminal(id)
		r.end(t)
		if got.Status != job.StatusSucceeded || got.Attempt != 1 || got.Result.Size != 0 {
			t.Errorf("record: %+v", got)
		}
		past := w.records.past(id)
		for i := 1; i < len(past); i++ {
			if gap := past[i].UpdatedAt.Sub(past[i-1].UpdatedAt); gap > worker.DefaultHeartbeat+time.Millisecond {
				t.Errorf("%v between two writes", gap)
			}
		}
		if len(past) > 50 || w.queue.renewals < 11 || w.queue.renewals > 13 {
			t.Errorf("%d writes, %d renewals", len(past), w.queue.renewals)
		}
	})
}

// TestProgressIsWrittenSoonButNotOften keeps the promise that the first report
// shows at once, the latest always wins, and storage is written to at most
// once a second.
func TestProgressIsWrittenSoonButNotOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			for i := range 1000 {
				j.Progress(float64(i)/10, "step")
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(2 * time.Second)
			return nil
		})
		id := w.submit("")
		time.Sleep(300 * time.Millisecond)
		if got := w.records.now(id); got.Percent == 0 || got.Progress != "step" {
			t.Errorf("after 300 ms: %+v", got)
		}
		time.Sleep(11 * time.Second)
		if got := w.records.now(id); got.Percent != 99.9 {
			t.Errorf("after the last report: %v %%", got.Percent)
		}
		w.untilTerminal(id)
		r.end(t)
		if n := len(w.records.past(id)); n < 10 || n > 14 {
			t.Errorf("%d writes in 12 s", n)
		}
	})
}

// TestBigResultStreams keeps the promise that a result over the buffer goes to
// its blob while it is written, with the right size and digest.
func TestBigResultStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		chunk := strings.Repeat("0123456789abcdef", 1000)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			j.SetFileName("big.txt")
			out := j.Result("text/plain")
			for range 100 {
				if _, err := io.WriteString(out, chunk); err != nil {
					return err
				}
			}
			return nil
		})
		got := w.untilTerminal(w.submit(""))
		r.end(t)
		sum := sha256.Sum256([]byte(strings.Repeat(chunk, 100)))
		if got.Result == nil || got.Result.Size != 1_600_000 || got.Result.SHA256 != hex.EncodeToString(sum[:]) ||
			got.Result.FileName != "big.txt" || len(w.results.content(got.Result.Blob)) != 1_600_000 {
			t.Fatalf("record: %+v result: %+v", got, got.Result)
		}
	})
}

// TestAsksForFreeSlotsOnly keeps the promise that a worker takes no more than
// it can run, and that one slow job does not hold up the others.
func TestAsksForFreeSlotsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Concurrency = 3
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			text, err := io.ReadAll(j.Payload())
			if string(text) == "slow" {
				time.Sleep(5 * time.Minute)
			}
			return err
		})
		slow := w.submit("slow")
		synctest.Wait()
		for range 20 {
			w.untilTerminal(w.submit("quick"))
		}
		if w.records.now(slow).Status.Terminal() {
			t.Error("the slow job has ended first")
		}
		w.untilTerminal(slow)
		r.end(t)
		if w.queue.asked[0] != 3 || slices.Max(w.queue.asked) > 3 || slices.Min(w.queue.asked) < 1 {
			t.Errorf("asked for %v messages with 3 slots", w.queue.asked)
		}
	})
}

// TestBatchIsLookedUpTogether keeps the promise that jobs of one shard that
// arrive together cost one read.
func TestBatchIsLookedUpTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var ids []job.ID
		for range 10 {
			ids = append(ids, w.submit("x"))
		}
		done := w.message("done")
		done.ID = ids[3]
		finished, _ := job.Claim(&done, time.Now()).Succeed(job.Result{Blob: "b"}, time.Now())
		if err := w.records.Insert(t.Context(), &finished); err != nil {
			t.Fatal(err)
		}
		ran := make(chan job.ID, 10)
		r := w.start(func(ctx context.Context, j *worker.Job) error {
			ran <- j.ID
			return nil
		})
		for _, id := range ids {
			w.untilTerminal(id)
		}
		r.end(t)
		if w.records.reads != 1 || len(ran) != 9 {
			t.Errorf("%d reads, %d jobs ran", w.records.reads, len(ran))
		}
	})
}
