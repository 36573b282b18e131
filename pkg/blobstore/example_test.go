package blobstore_test

import (
	"context"
	"log"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// A result is put once, and fetched by whoever has its valet key.
func Example() {
	settings := azure.Storage{ConnectionString: "UseDevelopmentStorage=true"}
	clients, err := settings.Open(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer clients.Close()
	results := blobstore.New(clients.Blobs, nil).Results()

	const name = "20261121/019aa5c0-0000-8000-8000-000000000000/1-x"
	properties := job.BlobProperties{ContentType: "text/csv", FileName: "report.csv"}
	if err := results.Put(context.Background(), name, strings.NewReader("a,b\n1,2\n"), properties); err != nil {
		log.Fatal(err)
	}

	signer := blobstore.NewSigner(clients.Blobs, clients.SharedKey, nil)
	url, expires, err := signer.URL(context.Background(), name, properties)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("GET %s until %v", url, expires)
}
