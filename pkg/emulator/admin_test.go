package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// startEmpty starts a broker without queues and gives the stock management client for it.
func startEmpty(t *testing.T) (*emulator.Broker, *admin.Client) {
	t.Helper()
	b, err := emulator.Start(&emulator.Options{Config: &emulator.Config{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	transport := plainHTTP{&http.Transport{DisableKeepAlives: true}, b.AdminAddr()}
	client, err := admin.NewClientFromConnectionString(b.ConnectionString(), &admin.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, client
}

// plainHTTP sends requests to the broker over http, as the client knows https only.
type plainHTTP struct {
	transport *http.Transport
	addr      string
}

func (p plainHTTP) Do(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = "http", p.addr
	return p.transport.RoundTrip(r)
}

// The stock client creates, reads, updates and deletes a queue, and gets back what it set.
func TestAdminLifecycle(t *testing.T) {
	_, client := startEmpty(t)
	ctx := t.Context()
	want := admin.QueueProperties{
		LockDuration:                        new("PT30S"),
		MaxSizeInMegabytes:                  new(int32(2048)),
		RequiresDuplicateDetection:          new(true),
		DefaultMessageTimeToLive:            new("P1DT1H"),
		DeadLetteringOnMessageExpiration:    new(true),
		DuplicateDetectionHistoryTimeWindow: new("PT1M"),
		MaxDeliveryCount:                    new(int32(4)),
		UserMetadata:                        new("<&> for the tests"),
		MaxMessageSizeInKilobytes:           new(int64(1024)),
		Status:                              new(admin.EntityStatusActive),
	}
	created, err := client.CreateQueue(ctx, "Team/Orders", &admin.CreateQueueOptions{Properties: &want})
	if err != nil {
		t.Fatal(err)
	}
	checkProperties(t, created.QueueProperties, want)

	want.MaxDeliveryCount, want.Status = new(int32(7)), new(admin.EntityStatusSendDisabled)
	updated, err := client.UpdateQueue(ctx, "team/orders", want, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkProperties(t, updated.QueueProperties, want)
	got, err := client.GetQueue(ctx, "Team/Orders", nil)
	if err != nil || got == nil {
		t.Fatal(got, err)
	}
	checkProperties(t, got.QueueProperties, want)

	if _, err := client.UpdateQueue(ctx, "Team/Orders", got.QueueProperties, nil); err != nil {
		t.Fatalf("what was read cannot be written back: %v", err)
	}
	if _, err := client.DeleteQueue(ctx, "Team/Orders", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := client.GetQueue(ctx, "Team/Orders", nil); got != nil || err != nil {
		t.Fatalf("after deletion: %v, %v", got, err)
	}
}

func checkProperties(t *testing.T, got, want admin.QueueProperties) {
	t.Helper()
	for name, pair := range map[string][2]any{
		"LockDuration":     {*got.LockDuration, *want.LockDuration},
		"MaxSize":          {*got.MaxSizeInMegabytes, *want.MaxSizeInMegabytes},
		"Duplicates":       {*got.RequiresDuplicateDetection, *want.RequiresDuplicateDetection},
		"TimeToLive":       {*got.DefaultMessageTimeToLive, *want.DefaultMessageTimeToLive},
		"DeadLettering":    {*got.DeadLetteringOnMessageExpiration, *want.DeadLetteringOnMessageExpiration},
		"Window":           {*got.DuplicateDetectionHistoryTimeWindow, *want.DuplicateDetectionHistoryTimeWindow},
		"MaxDeliveryCount": {*got.MaxDeliveryCount, *want.MaxDeliveryCount},
		"UserMetadata":     {*got.UserMetadata, *want.UserMetadata},
		"MaxMessageSize":   {*got.MaxMessageSizeInKilobytes, *want.MaxMessageSizeInKilobytes},
		"Status":           {*got.Status, *want.Status},
		"RequiresSession":  {*got.RequiresSession, false},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
}

// What a request leaves out has Azure's default.
func TestAdminDefaults(t *testing.T) {
	_, client := startEmpty(t)
	got, err := client.CreateQueue(t.Context(), "q", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := admin.QueueProperties{
		LockDuration:                        new("PT1M"),
		MaxSizeInMegabytes:                  new(int32(1024)),
		RequiresDuplicateDetection:          new(false),
		DefaultMessageTimeToLive:            new("P10675199DT2H48M5.4775807S"),
		DeadLetteringOnMessageExpiration:    new(false),
		DuplicateDetectionHistoryTimeWindow: new("PT10M"),
		MaxDeliveryCount:                    new(int32(10)),
		UserMetadata:                        new(""),
		MaxMessageSizeInKilobytes:           new(int64(256)),
		Status:                              new(admin.EntityStatusActive),
	}
	got.UserMetadata = new("")
	checkProperties(t, got.QueueProperties, want)
}

// Queues are listed by name in pages, and their runtime properties too.
func TestAdminList(t *testing.T) {
	b, client := startEmpty(t)
	for i := range 250 {
		if err := b.CreateQueue(emulator.Queue{Name: fmt.Sprintf("q%03d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, pageSize := range []int32{0, 7, 50, 1000} {
		var names []string
		for pager := client.NewListQueuesPager(&admin.ListQueuesOptions{MaxPageSize: pageSize}); pager.More(); {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range page.Queues {
				names = append(names, q.QueueName)
			}
		}
		want := 250
		if pageSize > 100 { // the client takes a page shorter than it asked for as the last
			want = 100
		}
		if len(names) != want || names[0] != "q000" || names[want-1] != fmt.Sprintf("q%03d", want-1) {
			t.Errorf("pages of %d: %d names", pageSize, len(names))
		}
	}
	page, err := client.NewListQueuesRuntimePropertiesPager(nil).NextPage(t.Context())
	if err != nil || len(page.QueueRuntimeProperties) != 100 {
		t.Errorf("runtime properties: %d, %v", len(page.QueueRuntimeProperties), err)
	}
	topics, err := client.NewListTopicsPager(nil).NextPage(t.Context())
	if err != nil || len(topics.Topics) != 0 {
		t.Errorf("topics: %v, %v", topics, err)
	}
}

// A queue that was just made is empty and says when it was made.
func TestAdminRuntimeProperties(t *testing.T) {
	b, client := startEmpty(t)
	if err := b.CreateQueue(emulator.Queue{Name: "q"}); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetQueueRuntimeProperties(t.Context(), "q", nil)
	if err != nil {
		t.Fatal(err)
	}
	if time.Since(got.CreatedAt) > time.Minute || !got.UpdatedAt.Equal(got.CreatedAt) || !got.AccessedAt.IsZero() {
		t.Errorf("times: %+v", got)
	}
	if got.TotalMessageCount != 0 || got.SizeInBytes != 0 {
		t.Errorf("counts: %+v", got)
	}
	if none, err := client.GetQueueRuntimeProperties(t.Context(), "none", nil); none != nil || err != nil {
		t.Errorf("unknown queue: %v, %v", none, err)
	}
}

// What cannot be done is refused with Azure's status, and the client is told why.
func TestAdminErrors(t *testing.T) {
	b, client := startEmpty(t)
	if err := b.CreateQueue(emulator.Queue{Name: "q"}); err != nil {
		t.Fatal(err)
	}
	create := func(name string, p *admin.QueueProperties) error {
		_, err := client.CreateQueue(t.Context(), name, &admin.CreateQueueOptions{Properties: p})
		return err
	}
	update := func(name string, p admin.QueueProperties) error {
		_, err := client.UpdateQueue(t.Context(), name, p, nil)
		return err
	}
	_, deleteErr := client.DeleteQueue(t.Context(), "none", nil)
	_, deadErr := client.DeleteQueue(t.Context(), "q/$DeadLetterQueue", nil)
	_, topicErr := client.CreateTopic(t.Context(), "t", nil)
	tests := []struct {
		name   string
		err    error
		status int
		detail string
	}{
		{"exists", create("Q", nil), 409, "SubCode=40900"},
		{"bad name", create("a b", nil), 400, "Name"},
		{"lock too long", create("n", &admin.QueueProperties{LockDuration: new("PT6M")}), 400, "LockDuration"},
		{"lock too short", create("n", &admin.QueueProperties{LockDuration: new("PT1S")}), 400, "LockDuration"},
		{"bad duration", create("n", &admin.QueueProperties{DefaultMessageTimeToLive: new("soon")}), 400, "ISO 8601"},
		{"no deliveries", create("n", &admin.QueueProperties{MaxDeliveryCount: new(int32(0))}), 400, "MaxDeliveryCount"},
		{"session", create("n", &admin.QueueProperties{RequiresSession: new(true)}), 400, "RequiresSession is not supported"},
		{"partition", create("n", &admin.QueueProperties{EnablePartitioning: new(true)}), 400, "EnablePartitioning"},
		{"forward", create("n", &admin.QueueProperties{ForwardTo: new("q")}), 400, "ForwardTo"},
		{"idle", create("n", &admin.QueueProperties{AutoDeleteOnIdle: new("PT5M")}), 400, "AutoDeleteOnIdle"},
		{"status", create("n", &admin.QueueProperties{Status: new(admin.EntityStatus("Broken"))}), 400, "Status"},
		{"update unknown", update("none", admin.QueueProperties{}), 404, "SubCode=40400"},
		{"update fixed", update("q", admin.QueueProperties{RequiresDuplicateDetection: new(true)}), 400, "cannot be changed"},
		{"delete unknown", deleteErr, 404, "none"},
		{"delete a dead-letter queue", deadErr, 404, "DeadLetterQueue"},
		{"topic", topicErr, 400, "Only queues"},
	}
	for _, tt := range tests {
		var response *azcore.ResponseError
		if !errors.As(tt.err, &response) || response.StatusCode != tt.status || !strings.Contains(tt.err.Error(), tt.detail) {
			t.Errorf("%s: got %v, want %d and %q", tt.name, tt.err, tt.status, tt.detail)
		}
	}
}

// /health answers as Microsoft's emulator does.
func TestHealth(t *testing.T) {
	b, _ := startEmpty(t)
	status, body := request(t, b, "GET", "/health", nil)
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || got["status"] != "healthy" || got["message"] == "" {
		t.Fatalf("got %d %s, %v", status, body, err)
	}
}

// What no SDK would send is refused: other methods, bodies that are no XML or too long, paging that is no number.
func TestAdminBadRequests(t *testing.T) {
	b, _ := startEmpty(t)
	tests := []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/q", "", 405},
		{"PUT", "/q", "", 400},
		{"PUT", "/q", "{}", 400},
		{"PUT", "/q", "<entry/>", 400},
		{"PUT", "/q", "<entry xmlns='http://www.w3.org/2005/Atom'><content><QueueDescription><MaxDeliveryCount>x", 400},
		{"PUT", "/q", "<entry><title>" + strings.Repeat("a", 2<<20), 400},
		{"GET", "/", "", 404},
		{"GET", "/$Resources/Queues?$top=x", "", 400},
		{"GET", "/$Resources/Queues?$skip=-1", "", 400},
		{"GET", "/$Resources/Queues?$skip=999999999", "", 200},
	}
	for _, tt := range tests {
		status, body := request(t, b, tt.method, tt.path, strings.NewReader(tt.body))
		if status != tt.status {
			t.Errorf("%s %s %.80s: got %d %s, want %d", tt.method, tt.path, tt.body, status, body, tt.status)
		}
	}
}

// The description's elements are in the order of Azure's schema.
func TestAdminElementOrder(t *testing.T) {
	b, _ := startEmpty(t)
	if err := b.CreateQueue(emulator.Queue{Name: "q"}); err != nil {
		t.Fatal(err)
	}
	_, body := request(t, b, "GET", "/q?api-version=2021-05", nil)
	at := 0
	for _, element := range []string{
		"<entry", "<QueueDescription", "<LockDuration>", "<MaxSizeInMegabytes>", "<RequiresDuplicateDetection>",
		"<RequiresSession>", "<DefaultMessageTimeToLive>", "<DeadLetteringOnMessageExpiration>",
		"<DuplicateDetectionHistoryTimeWindow>", "<MaxDeliveryCount>", "<EnableBatchedOperations>", "<SizeInBytes>",
		"<MessageCount>", "<IsAnonymousAccessible>", "<Status>", "<CreatedAt>", "<UpdatedAt>", "<AccessedAt>",
		"<SupportOrdering>", "<CountDetails", "<d2p1:ActiveMessageCount>", "<AutoDeleteOnIdle>", "<EnablePartitioning>",
		"<EntityAvailabilityStatus>", "<EnableExpress>", "<MaxMessageSizeInKilobytes>",
	} {
		next := strings.Index(body[at:], element)
		if next < 0 {
			t.Fatalf("%s is not after the one before it in %s", element, body)
		}
		at += next
	}
}

func request(t *testing.T, b *emulator.Broker, method, path string, body io.Reader) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+b.AdminAddr()+path, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(response.Body)
	return response.StatusCode, text.String()
}
