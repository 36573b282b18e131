package tablestore_test

import (
	"context"
	"errors"
	"log"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// A worker claims a job by an insert, which one worker's can be only.
func ExampleStore() {
	settings := azure.Storage{ConnectionString: "UseDevelopmentStorage=true"}
	clients, err := settings.Open(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer clients.Close()
	store := tablestore.New(clients.Tables, nil)

	var m job.Message // of the request
	record := job.Claim(&m, time.Now())
	switch err := store.Insert(context.Background(), &record); {
	case errors.Is(err, job.ErrExists):
		log.Print("another worker was first")
		return
	case err != nil:
		log.Fatal(err)
	}

	next, err := record.Heartbeat(50, "half done", time.Now())
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Update(context.Background(), &next); errors.Is(err, job.ErrConflict) {
		log.Print("the job was canceled or taken over meanwhile")
	}
}
