package servicebus

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestSizeInBatch states what docs/performance.md reckons with: a message
// carries less than a kilobyte beside its payload. It prints the sizes.
func TestSizeInBatch(t *testing.T) {
	client, err := azservicebus.NewClientFromConnectionString(localazuretest.Broker(t, nil).ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	sender, err := client.NewSender("jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := job.NewKeyRing(make([]byte, job.MinKeyLength))
	if err != nil {
		t.Fatal(err)
	}
	id := job.NewIssuer(ring, nil).Issue("")
	m := &job.Message{
		ID: id, Operation: "customer", SubmittedAt: time.Now(), Attempt: 1, TimeToLive: 24 * time.Hour,
		StatusURL:   "https://status.happyforest-1a2b3c4d.westeurope.azurecontainerapps.io/api/RequestStatus/" + id.String(),
		ContentType: "application/json", Body: make([]byte, 1024),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	const known = "5f8a9c3e-0d4b-4c55-9f59-1d3b8f0a7c21/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9" // tenant and object
	for name, owner := range map[string]string{"AUTH_MODE=none": "", "AUTH_MODE=entra": known} {
		m.Owner = owner
		batch, err := sender.NewMessageBatch(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var sizes [2]uint64 // after one message and after two
		for i := range sizes {
			if err := batch.AddMessage(encode(m), nil); err != nil {
				t.Fatal(err)
			}
			sizes[i] = batch.NumBytes()
		}
		size := sizes[1] - sizes[0]
		t.Logf("%s: %d bytes of payload make %d in a batch", name, len(m.Body), size)
		if beside := size - uint64(len(m.Body)); beside >= 1024 {
			t.Errorf("%s: %d bytes beside the payload", name, beside)
		}
	}
}
