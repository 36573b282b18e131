package servicebus

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// BenchmarkEncode measures a message of 1 KB on its way into a batch of a
// hundred: as a message of its own, as Schedule needs it, and by an envelope
// that is used again, as Send does. Most of it is the SDK's marshalling.
func BenchmarkEncode(b *testing.B) {
	client, err := azservicebus.NewClientFromConnectionString(localazuretest.Broker(b, nil).ConnectionString(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close(b.Context())
	sender, err := client.NewSender("jobs", nil)
	if err != nil {
		b.Fatal(err)
	}
	m := &job.Message{
		ID: job.ID{1}, Operation: "customer", SubmittedAt: time.Now(), Attempt: 1, TimeToLive: time.Hour,
		StatusURL: "https://status.example/api/RequestStatus/" + job.ID{1}.String(), ContentType: "application/json",
		Body: make([]byte, 1<<10), TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	e := newEnvelope()
	for name, add := range map[string]func(*azservicebus.MessageBatch) error{
		"message":  func(batch *azservicebus.MessageBatch) error { return batch.AddMessage(encode(m), nil) },
		"envelope": func(batch *azservicebus.MessageBatch) error { return batch.AddAMQPAnnotatedMessage(e.enclose(m), nil) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var batch *azservicebus.MessageBatch
			for i := 0; b.Loop(); i++ {
				if i%100 == 0 {
					if batch, err = sender.NewMessageBatch(b.Context(), nil); err != nil {
						b.Fatal(err)
					}
				}
				if err := add(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
