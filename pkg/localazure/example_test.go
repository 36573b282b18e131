package localazure_test

import (
	"context"
	"fmt"
	"log"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/asyncreply/asyncreply/pkg/localazure"
)

// Both services, used by Microsoft's SDKs.
func ExampleStart() {
	ctx := context.Background()
	azure, err := localazure.Start(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer azure.Close()

	blobs, err := azblob.NewClientFromConnectionString(azure.StorageConnectionString(), nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := blobs.CreateContainer(ctx, "results", nil); err != nil {
		log.Fatal(err)
	}
	bus, err := azservicebus.NewClientFromConnectionString(azure.ServiceBusConnectionString(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close(ctx)
	sender, err := bus.NewSender("jobs", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := sender.SendMessage(ctx, &azservicebus.Message{Body: []byte("work")}, nil); err != nil {
		log.Fatal(err)
	}
}

// A storage account that keeps its data from one run to the next, on Azurite's usual ports.
func ExampleStartAzurite() {
	azurite, err := localazure.StartAzurite(context.Background(), &localazure.AzuriteOptions{
		DataDir:  ".local/azurite",
		BlobPort: 10000, QueuePort: 10001, TablePort: 10002,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer azurite.Close()
	fmt.Println(azurite.ConnectionString())
}
