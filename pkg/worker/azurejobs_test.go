package worker_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// TestAzureSuccess keeps the promise of the whole way through broker and
// storage: small and claim-checked payloads, buffered and streamed results.
func TestAzureSuccess(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute, 10)
	c.start(func(ctx context.Context, j *worker.Job) error {
		j.SetFileName("copy.txt")
		return echo(ctx, j)
	})
	small := c.send(c.message([]byte("hello")))
	large := bytes.Repeat([]byte("0123456789abcdef"), 10<<16) // 10 MiB
	m := c.message(nil)
	m.PayloadBlob, m.PayloadSize = m.ID.Day()+"/"+m.ID.String(), int64(len(large))
	if err := c.blobs.Payloads().Put(t.Context(), m.PayloadBlob, bytes.NewReader(large), job.BlobProperties{}); err != nil {
		t.Fatal(err)
	}
	c.send(m)
	for id, payload := range map[job.ID][]byte{small: []byte("hello"), m.ID: large} {
		got := c.untilTerminal(id)
		sum := sha256.Sum256(payload)
		if got.Status != job.StatusSucceeded || got.Result.SHA256 != hex.EncodeToString(sum[:]) ||
			got.Result.Size != int64(len(payload)) || got.Result.FileName != "copy.txt" {
			t.Fatalf("record: %+v, result: %+v", got, got.Result)
		}
		if !bytes.Equal(c.content(c.blobs.Results(), got.Result.Blob), payload) {
			t.Error("the stored result is not the payload")
		}
	}
	c.untilQueue(false, 0)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, _, err := c.blobs.Payloads().Open(t.Context(), m.PayloadBlob, 0, 1); errors.Is(err, job.ErrNotFound) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the used payload stays")
		}
	}
}

// TestAzureRetry keeps the promise that a retryable error leads to another try
// by a scheduled copy, and one too many to the dead-letter queue.
func TestAzureRetry(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute, 10)
	c.start(func(ctx context.Context, j *worker.Job) error {
		if j.Size > 0 || j.Attempt < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if got := c.untilTerminal(c.send(c.message(nil))); got.Status != job.StatusSucceeded || got.Attempt != 3 || got.FailedAttempts != 2 {
		t.Errorf("record: %+v", got)
	}
	got := c.untilTerminal(c.send(c.message([]byte("never"))))
	if got.Status != job.StatusFailed || got.Failure.Code != job.CodeAttemptsExhausted {
		t.Errorf("record: %+v", got)
	}
	dead := c.untilQueue(true, 1)[0]
	if dead.Message.ID != got.ID || dead.Message.Attempt != 3 || string(dead.Message.Body) != "never" ||
		dead.DeadLetterReason != string(job.CodeAttemptsExhausted) || dead.DeadLetterDescription != got.Failure.Message {
		t.Errorf("dead letter: %+v", dead)
	}
	c.untilQueue(false, 0)
}

// TestAzureLockIsRenewed keeps the promise that a handler may run for longer
// than a lock.
func TestAzureLockIsRenewed(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Second, 10)
	var runs atomic.Int32
	c.start(func(ctx context.Context, j *worker.Job) error {
		runs.Add(1)
		select {
		case <-time.After(3500 * time.Millisecond):
		case <-ctx.Done():
		}
		return context.Cause(ctx)
	})
	got := c.untilTerminal(c.send(c.message(nil)))
	if got.Status != job.StatusSucceeded || got.Attempt != 1 || runs.Load() != 1 {
		t.Errorf("record after %d runs: %+v", runs.Load(), got)
	}
	c.untilQueue(false, 0)
}

// TestAzureTakeOver keeps the promise that a job whose lock is lost is taken
// over, and that only the one result counts.
func TestAzureTakeOver(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute, 10)
	started := make(chan struct{}, 1)
	causes := make(chan error, 1)
	c.start(func(ctx context.Context, j *worker.Job) error {
		if j.Attempt > 1 {
			return echo(ctx, j)
		}
		out := j.Result("text/plain")
		if _, err := out.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		j.Progress(10, "")
		started <- struct{}{}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		_, err := io.WriteString(out, "too late")
		return err
	})
	id := c.send(c.message([]byte("taken over")))
	<-started
	c.until(id, func(r job.Record) bool { return r.Status == job.StatusRunning })
	if n := c.broker.Faults().ExpireLocks("jobs"); n != 1 {
		t.Fatalf("%d locks ended", n)
	}
	got := c.untilTerminal(id)
	if cause := <-causes; !errors.Is(cause, job.ErrOvertaken) && !errors.Is(cause, job.ErrLockLost) {
		t.Errorf("cause %v", cause)
	}
	if got.Status != job.StatusSucceeded || got.Attempt != 2 || string(c.content(c.blobs.Results(), got.Result.Blob)) != "taken over" {
		t.Errorf("record: %+v", got)
	}
	c.untilQueue(false, 0)
}

// TestAzureCancel keeps the promise that a cancel reaches the handler within
// a heartbeat.
func TestAzureCancel(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute, 10)
	causes := make(chan error, 1)
	c.start(untilCanceled(causes))
	id := c.send(c.message(nil))
	for done := false; !done; {
		running := c.until(id, func(r job.Record) bool { return r.Status == job.StatusRunning })
		canceled, err := running.Cancel(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		err = c.records.Update(t.Context(), &canceled)
		if done = err == nil; err != nil && !errors.Is(err, job.ErrConflict) {
			t.Fatal(err)
		}
	}
	if cause := <-causes; !errors.Is(cause, job.ErrCanceled) {
		t.Errorf("cause %v", cause)
	}
	c.untilQueue(false, 0)
	c.untilQueue(true, 0)
	if got := c.untilTerminal(id); got.Status != job.StatusCanceled {
		t.Errorf("record: %+v", got)
	}
}

// TestAzureStop keeps the promise that a job cut short by a stop is at once
// another worker's, with no attempt used up.
func TestAzureStop(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute, 10)
	c.options.SoftStop = 100 * time.Millisecond
	causes := make(chan error, 1)
	first := c.start(untilCanceled(causes))
	id := c.send(c.message([]byte("handed over")))
	c.until(id, func(r job.Record) bool { return r.Status == job.StatusRunning })
	first.end(t)
	if cause := <-causes; !errors.Is(cause, job.ErrShutdown) {
		t.Errorf("cause %v", cause)
	}
	c.start(echo)
	if got := c.untilTerminal(id); got.Status != job.StatusSucceeded || got.Attempt != 2 || got.FailedAttempts != 0 {
		t.Errorf("record: %+v", got)
	}
	c.untilQueue(false, 0)
}

// TestAzureConnectionLoss keeps the promise that jobs outlive the connection
// to the broker.
func TestAzureConnectionLoss(t *testing.T) {
	t.Parallel()
	c := newCloud(t, 5*time.Second, 10)
	started, release := make(chan struct{}, 9), make(chan struct{})
	c.start(func(ctx context.Context, j *worker.Job) error {
		started <- struct{}{}
		<-release
		return echo(ctx, j)
	})
	ids := []job.ID{c.send(c.message([]byte("a"))), c.send(c.message([]byte("b")))}
	for range ids {
		<-started
	}
	c.broker.Faults().DropConnections()
	close(release)
	ids = append(ids, c.send(c.message([]byte("c"))))
	for _, id := range ids {
		if got := c.untilTerminal(id); got.Status != job.StatusSucceeded {
			t.Errorf("record: %+v", got)
		}
	}
	c.untilQueue(false, 0)
}

// TestAzureDeadLetters keeps the promise that what the queue gave up on
// reaches the caller as failed and stays for operators.
func TestAzureDeadLetters(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute, 1)
	tooOften := c.send(c.message([]byte("x")))
	r := c.receiver(nil)
	d, err := r.Receive(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Abandon(t.Context(), d[0]); err != nil {
		t.Fatal(err)
	}
	c.close(r)
	late := c.message([]byte("y"))
	late.TimeToLive = time.Millisecond
	c.send(late)
	c.untilQueue(true, 2)
	c.start(func(context.Context, *worker.Job) error { t.Error("a dead job ran"); return nil })
	for id, code := range map[job.ID]job.Code{tooOften: job.CodeDeliveryCountExceeded, late.ID: job.CodeExpired} {
		if got := c.untilTerminal(id); got.Status != job.StatusFailed || got.Failure.Code != code {
			t.Errorf("record: %+v, failure %+v, want %s", got, got.Failure, code)
		}
	}
	c.untilQueue(true, 2)
}

// TestAzurePoison keeps the promise that messages from elsewhere that make no
// sense are put aside, failing the job if they name one, and that others go on.
func TestAzurePoison(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute, 10)
	c.start(echo)
	client, err := c.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close(client)
	sender, err := client.NewSender("jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	malformed, unknown, foreign := c.issuer.Issue(""), c.issuer.Issue(""), "0f8fad5b-d9cb-469f-a165-70867728950e"
	for _, properties := range []map[string]any{
		nil,
		{"RequestGUID": "not a guid", "Operation": "work"},
		{"RequestGUID": malformed.String(), "Operation": "work", "Attempt": "many"},
		{"RequestGUID": unknown.String(), "Operation": "play"},
		{"RequestGUID": foreign, "Operation": "work"}, // another program's, and good
	} {
		m := &azservicebus.Message{Body: []byte("poison?"), ApplicationProperties: properties}
		if err := sender.SendMessage(t.Context(), m, nil); err != nil {
			t.Fatal(err)
		}
	}
	for id, code := range map[job.ID]job.Code{malformed: job.CodeInvalidMessage, unknown: job.CodeUnknownOperation} {
		if got := c.untilTerminal(id); got.Status != job.StatusFailed || got.Failure.Code != code {
			t.Errorf("record: %+v, failure %+v, want %s", got, got.Failure, code)
		}
	}
	id, err := job.ParseID(foreign)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.untilTerminal(id); got.Status != job.StatusSucceeded || string(c.content(c.blobs.Results(), got.Result.Blob)) != "poison?" {
		t.Errorf("record: %+v", got)
	}
	c.untilQueue(true, 4)
	c.untilQueue(false, 0)
}
