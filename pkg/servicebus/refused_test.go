package servicebus_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

// plain sends by http what the SDK insists on sending by https.
type plain struct{ addr string }

func (p plain) Do(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", p.addr
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
}

// limit has the queue take smaller messages from now on, which senders that
// are attached do not learn.
func (f *fixture) limit(t *testing.T, kilobytes int64) {
	t.Helper()
	client, err := admin.NewClientFromConnectionString(f.ConnectionString(), &admin.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: plain{f.AdminAddr()}, Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.GetQueue(t.Context(), queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	got.MaxMessageSizeInKilobytes = &kilobytes
	if _, err := client.UpdateQueue(t.Context(), queue, got.QueueProperties, nil); err != nil {
		t.Fatal(err)
	}
}

// TestRefusedBatch states that when a batch is refused because of one message
// that is too large, that one is refused and the others are sent, once.
func TestRefusedBatch(t *testing.T) {
	t.Parallel()
	const each = 20
	f := newFixture(t)
	s := f.sender(t, &servicebus.SenderOptions{InFlight: 1})
	mustSend(t, s, newMessage("first"))
	f.limit(t, 2)
	f.Faults().Delay(20 * time.Millisecond) // so that they wait for each other
	var senders sync.WaitGroup
	for range each {
		senders.Go(func() {
			if err := s.Send(t.Context(), newMessage("small")); err != nil {
				t.Errorf("a small message: %v", err)
			}
		})
		senders.Go(func() {
			if err := s.Send(t.Context(), newMessage(strings.Repeat("x", 3<<10))); job.CodeOf(err) != job.CodePayloadTooLarge {
				t.Errorf("a message that is too large: %v", err)
			}
		})
	}
	senders.Wait()
	f.Faults().Delay(0)
	if counts, err := f.QueueCounts(queue); err != nil || counts.Active != each+1 {
		t.Errorf("%+v, %v, want %d messages", counts, err, each+1)
	}
	if made := f.clients.Load(); made != 1 {
		t.Errorf("%d connections were made", made)
	}
}
