package retention_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/retention"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// Jobs are known for three days: what is older goes a day at a time. A service
// calls Run in the background; Round is one of its rounds.
func ExampleNew() {
	ctx := context.Background()
	options := localazuretest.AzuriteOptions()
	azurite, err := localazure.StartAzurite(ctx, &options)
	if err != nil {
		log.Fatal(err)
	}
	defer azurite.Close()
	account := azure.Storage{ConnectionString: azurite.ConnectionString()}
	clients, err := account.Open(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer clients.Close()
	records := tablestore.New(clients.Tables, nil)
	today := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, age := range []int{0, 2, 5, 9} {
		storeRecord(ctx, records, today.AddDate(0, 0, -age))
	}

	blobs := blobstore.New(clients.Blobs, nil)
	janitor, err := retention.New(&retention.Options{
		Records:   records,
		Payloads:  blobs.Payloads(),
		Results:   blobs.Results(),
		Keys:      tablestore.NewReservations(clients.Tables, nil),
		Retention: 3 * 24 * time.Hour,
		Now:       func() time.Time { return today },
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := janitor.Round(ctx); err != nil {
		log.Fatal(err)
	}
	days, err := records.Days(ctx)
	fmt.Println(days, err)
	// Output: [20261122 20261124] <nil>
}

// storeRecord stores the record of a job of the given time.
func storeRecord(ctx context.Context, records *tablestore.Store, at time.Time) {
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		log.Fatal(err)
	}
	id := job.NewIssuer(ring, func() time.Time { return at }).Issue("")
	record := job.Claim(&job.Message{ID: id, Operation: "work", SubmittedAt: at}, at)
	if err := records.Insert(ctx, &record); err != nil {
		log.Fatal(err)
	}
}
