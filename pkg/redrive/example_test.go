package redrive_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/redrive"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// An operator puts back what failed while a backend was out of order, and
// leaves the rest where it is.
func ExampleRun() {
	ctx := context.Background()
	local, err := localazure.Start(ctx, &localazure.Options{Azurite: localazuretest.AzuriteOptions()})
	if err != nil {
		log.Fatal(err)
	}
	defer local.Close()
	queue, sender := openQueue(local.ServiceBusConnectionString(), false)
	defer closeAll(ctx, queue, sender)
	deadLetter(ctx, queue, sender, "BackendDown", "BackendDown", "TooBlurred")

	account := azure.Storage{ConnectionString: local.StorageConnectionString()}
	clients, err := account.Open(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer clients.Close()
	dead, scheduler := openQueue(local.ServiceBusConnectionString(), true)
	defer closeAll(ctx, dead, scheduler)
	summary, err := redrive.Run(ctx, &redrive.Options{
		DeadLetters: dead,
		Scheduler:   scheduler,
		Records:     tablestore.New(clients.Tables, nil),
		Retention:   7 * 24 * time.Hour,
		Select:      func(d *job.Delivery) bool { return d.DeadLetterReason == "BackendDown" },
	})
	if err != nil {
		log.Fatal(err)
	}
	left, err := dead.Peek(ctx, 0, 100)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(summary, len(left), left[0].DeadLetterReason)
	// Output: map[redriven:2] 1 TooBlurred
}

// openQueue connects to a queue, or to its dead-letter queue, and to send.
func openQueue(connectionString string, dead bool) (*servicebus.Receiver, *servicebus.Sender) {
	bus := azure.ServiceBus{ConnectionString: connectionString, Queue: "jobs"}
	connect, err := bus.Connector(nil)
	if err != nil {
		log.Fatal(err)
	}
	receiver, err := servicebus.NewReceiver(connect, bus.Queue, &servicebus.ReceiverOptions{DeadLetters: dead})
	if err != nil {
		log.Fatal(err)
	}
	sender, err := servicebus.NewSender(connect, bus.Queue, nil)
	if err != nil {
		log.Fatal(err)
	}
	return receiver, sender
}

func closeAll(ctx context.Context, receiver *servicebus.Receiver, sender *servicebus.Sender) {
	receiver.Close(ctx)
	sender.Close(ctx)
}

// deadLetter has a job fail for each reason, as a worker would.
func deadLetter(ctx context.Context, queue *servicebus.Receiver, sender *servicebus.Sender, reasons ...string) {
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		log.Fatal(err)
	}
	issuer := job.NewIssuer(ring, nil)
	for _, reason := range reasons {
		m := &job.Message{ID: issuer.Issue(""), Operation: "work", SubmittedAt: time.Now(), Attempt: 1}
		if err := sender.Send(ctx, m); err != nil {
			log.Fatal(err)
		}
		received, err := queue.Receive(ctx, 1)
		if err != nil {
			log.Fatal(err)
		}
		if err := queue.DeadLetter(ctx, received[0], reason, "as an example"); err != nil {
			log.Fatal(err)
		}
	}
}
