package worker_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// BenchmarkBurst measures how fast a worker does jobs that are there already,
// and beside it, in turns, how fast the bare SDKs store as many results and
// rows. The quotient of the two rates is what the worker attains of what
// storage gives.
func BenchmarkBurst(b *testing.B) {
	for _, concurrency := range []int{16, 64} {
		b.Run("concurrency="+strconv.Itoa(concurrency), func(b *testing.B) {
			const jobs = 1000
			payload := []byte(`{"text":"` + strings.Repeat("x", 1000) + `"}`)
			c := newCloud(b, time.Minute, 10)
			c.options.Concurrency = concurrency
			c.options.Logger = slog.New(slog.DiscardHandler)
			bare := newBareLoop(b, concurrency)
			bare.run(jobs, payload) // makes connections and the table
			var direct, worked time.Duration
			for b.Loop() {
				direct += bare.run(jobs, payload)
				worked += c.burst(jobs, payload)
			}
			perSecond := func(d time.Duration) float64 { return float64(jobs*b.N) / d.Seconds() }
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(perSecond(direct), "bare/s")
			b.ReportMetric(perSecond(worked), "jobs/s")
			b.ReportMetric(perSecond(worked)/perSecond(direct), "ratio")
		})
	}
}

// burst queues jobs and gives the time that a new worker takes to do them.
func (c *cloud) burst(jobs int, payload []byte) time.Duration {
	c.t.Helper()
	var sending errgroup.Group
	sending.SetLimit(64)
	for range jobs {
		sending.Go(func() error { return c.sender.Send(c.t.Context(), c.message(payload)) })
	}
	if err := sending.Wait(); err != nil {
		c.t.Fatal(err)
	}
	queue := &countingQueue{Receiver: c.receiver(nil), done: make(chan struct{})}
	queue.left.Store(int64(jobs))
	options := c.options
	options.Queue = queue
	options.Handlers = worker.NewMux()
	options.Handlers.Handle("work", worker.HandlerFunc(echo))
	one, err := worker.New(&options)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := queue.Ready(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	start := time.Now()
	go func() { ended <- one.Run(ctx) }()
	<-queue.done
	took := time.Since(start)
	stop()
	if err := <-ended; err != nil {
		c.t.Fatal(err)
	}
	c.close(queue.Receiver)
	return took
}

// countingQueue tells when so many messages were completed.
type countingQueue struct {
	*servicebus.Receiver
	left atomic.Int64
	done chan struct{}
}

func (q *countingQueue) Complete(ctx context.Context, d *job.Delivery) error {
	err := q.Receiver.Complete(ctx, d)
	if q.left.Add(-1) == 0 {
		close(q.done)
	}
	return err
}

// bareLoop stores what jobs leave behind, with the stock SDKs and nothing
// else: a blob each, and rows in transactions as large as they may be.
type bareLoop struct {
	b           testing.TB
	concurrency int
	clients     *azure.Clients
	container   string
	table       *aztables.Client
	partitions  int
}

const rowsPerTransaction = 100

func newBareLoop(b testing.TB, concurrency int) *bareLoop {
	b.Helper()
	account := azure.Storage{ConnectionString: localazuretest.Storage(b).ConnectionString()}
	clients, err := account.Open(&azure.Options{Concurrency: concurrency})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(clients.Close)
	name := localazuretest.Name(b)
	if _, err := clients.Blobs.CreateContainer(b.Context(), name, nil); err != nil {
		b.Fatal(err)
	}
	if _, err := clients.Tables.CreateTable(b.Context(), name, nil); err != nil {
		b.Fatal(err)
	}
	return &bareLoop{b: b, concurrency: concurrency, clients: clients, container: name, table: clients.Tables.NewClient(name)}
}

func (l *bareLoop) run(jobs int, payload []byte) time.Duration {
	l.b.Helper()
	start := time.Now()
	var storing errgroup.Group
	storing.SetLimit(l.concurrency)
	for first := 0; first < jobs; first += rowsPerTransaction {
		partition := fmt.Sprintf("%06d", l.partitions)
		l.partitions++
		var stored errgroup.Group
		for i := first; i < min(first+rowsPerTransaction, jobs); i++ {
			done := make(chan error, 1)
			stored.Go(func() error { return <-done })
			storing.Go(func() error {
				done <- l.putBlob(partition, i, payload)
				return nil
			})
		}
		storing.Go(func() error {
			if err := stored.Wait(); err != nil {
				return err
			}
			return l.putRows(partition, first, min(first+rowsPerTransaction, jobs))
		})
	}
	if err := storing.Wait(); err != nil {
		l.b.Fatal(err)
	}
	return time.Since(start)
}

func (l *bareLoop) putBlob(partition string, i int, payload []byte) error {
	client := l.clients.Blobs.ServiceClient().NewContainerClient(l.container).NewBlockBlobClient(fmt.Sprintf("%s/%d", partition, i))
	contentType, disposition, writeID, never := "text/plain", "attachment", rand.Text(), azcore.ETagAny
	_, err := client.Upload(l.b.Context(), streaming.NopCloser(bytes.NewReader(payload)), &blockblob.UploadOptions{
		HTTPHeaders:      &blob.HTTPHeaders{BlobContentType: &contentType, BlobContentDisposition: &disposition},
		Metadata:         map[string]*string{"writeid": &writeID},
		AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &never}},
	})
	return err
}

func (l *bareLoop) putRows(partition string, from, to int) error {
	var actions []aztables.TransactionAction
	for i := from; i < to; i++ {
		entity, err := json.Marshal(map[string]any{
			"PartitionKey": partition, "RowKey": strconv.Itoa(i), "Operation": "work", "Status": job.StatusSucceeded,
			"SubmittedAt": time.Now(), "StartedAt": time.Now(), "UpdatedAt": time.Now(), "FinishedAt": time.Now(),
			"Attempt": 1, "FailedAttempts": 0, "Percent": 100,
			"ResultBlob": partition + "/" + strconv.Itoa(i), "ResultSize": 1000, "ResultContentType": "application/json",
			"ResultSHA256": strings.Repeat("0f", 32), "WriteID": strings.Repeat("0f", 16),
		})
		if err != nil {
			return err
		}
		actions = append(actions, aztables.TransactionAction{ActionType: aztables.TransactionTypeAdd, Entity: entity})
	}
	_, err := l.table.SubmitTransaction(l.b.Context(), actions, nil)
	return err
}
