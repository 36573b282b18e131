package servicebus_test

import (
	"context"
	"errors"
	"log"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

// A request is accepted if and only if Send gives nil.
func ExampleSender() {
	settings := azure.ServiceBus{Namespace: "example.servicebus.windows.net", Queue: "jobs"}
	connect, err := settings.Connector(nil)
	if err != nil {
		log.Fatal(err)
	}
	sender, err := servicebus.NewSender(connect, settings.Queue, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer sender.Close(context.Background())

	var m job.Message // of the request
	switch err := sender.Send(context.Background(), &m); {
	case err == nil:
		log.Print("202 Accepted")
	case errors.Is(err, job.ErrBusy):
		log.Print("503 Service Unavailable")
	}
}

// A worker asks for as many messages as it has hands free, and completes each
// when its job is done.
func ExampleReceiver() {
	settings := azure.ServiceBus{Namespace: "example.servicebus.windows.net", Queue: "jobs"}
	connect, err := settings.Connector(nil)
	if err != nil {
		log.Fatal(err)
	}
	receiver, err := servicebus.NewReceiver(connect, settings.Queue, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer receiver.Close(context.Background())

	deliveries, err := receiver.Receive(context.Background(), 16)
	if err != nil {
		log.Fatal(err) // there is no such queue
	}
	for _, d := range deliveries {
		log.Printf("job %s is locked for %v", d.Message.ID, time.Until(d.LockedUntil))
		if err := receiver.Complete(context.Background(), d); errors.Is(err, job.ErrLockLost) {
			log.Printf("job %s is with another worker", d.Message.ID)
		}
	}
}
