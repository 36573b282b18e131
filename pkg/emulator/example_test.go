package emulator_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// A broker with one queue, and a message that goes through it with the stock SDK.
func Example() {
	broker, err := emulator.Start(&emulator.Options{
		Config: &emulator.Config{Queues: []emulator.Queue{{Name: "orders"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := azservicebus.NewClientFromConnectionString(broker.ConnectionString(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	sender, err := client.NewSender("orders", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := sender.SendMessage(ctx, &azservicebus.Message{Body: []byte("two apples")}, nil); err != nil {
		log.Fatal(err)
	}

	receiver, err := client.NewReceiverForQueue("orders", nil)
	if err != nil {
		log.Fatal(err)
	}
	messages, err := receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(messages[0].Body))
	if err := receiver.CompleteMessage(ctx, messages[0], nil); err != nil {
		log.Fatal(err)
	}
	// Output: two apples
}

// Queues can come and go while the broker runs, one for each test for instance.
func ExampleBroker_CreateQueue() {
	broker, err := emulator.Start(&emulator.Options{Config: &emulator.Config{}})
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()

	if err := broker.CreateQueue(emulator.Queue{Name: "test-1", LockDuration: time.Second}); err != nil {
		log.Fatal(err)
	}
	counts, err := broker.QueueCounts("test-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", counts)
	if err := broker.DeleteQueue("test-1"); err != nil {
		log.Fatal(err)
	}
	// Output: {Active:0 Scheduled:0 DeadLetter:0}
}

// The queues of a Config.json of Microsoft's emulator.
func ExampleLoadConfig() {
	config, err := emulator.LoadConfig("../../azurite/servicebus-config.json")
	if err != nil {
		log.Fatal(err)
	}
	for _, q := range config.Queues {
		fmt.Println(q.Name, q.LockDuration, q.MaxDeliveryCount)
	}
	// Output: jobs 1m0s 10
}
