package queue_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Queues and their dead-letter queues are found by path without regard to case.
func TestLookup(t *testing.T) {
	n, _ := newQueue(t, func(p *queue.Properties) { p.Name = "Team/Orders" })
	tests := []struct{ path, want string }{
		{"Team/Orders", "Team/Orders"},
		{"team/orders", "Team/Orders"},
		{"team/orders/$deadletterqueue", "Team/Orders/$DeadLetterQueue"},
		{"orders", ""},
		{"team/orders/$management", ""},
		{"/$DeadLetterQueue", ""},
		{"", ""},
	}
	for _, tt := range tests {
		q, ok := n.Lookup(tt.path)
		check(t, tt.path, ok, tt.want != "")
		if ok {
			check(t, tt.path, q.Path(), tt.want)
		}
	}
}

// A description outside Azure's limits is refused with an error that names the property.
func TestInvalidProperties(t *testing.T) {
	tests := []struct {
		names  string
		change func(*queue.Properties)
	}{
		{"Name", func(p *queue.Properties) { p.Name = "" }},
		{"Name", func(p *queue.Properties) { p.Name = "/orders" }},
		{"Name", func(p *queue.Properties) { p.Name = "a/$DeadLetterQueue" }},
		{"Name", func(p *queue.Properties) { p.Name = strings.Repeat("a", 261) }},
		{"LockDuration", func(p *queue.Properties) { p.LockDuration = 5*time.Minute + 1 }},
		{"LockDuration", func(p *queue.Properties) { p.LockDuration = -1 }},
		{"DefaultMessageTimeToLive", func(p *queue.Properties) { p.DefaultMessageTimeToLive = -1 }},
		{"DuplicateDetectionHistoryTimeWindow", func(p *queue.Properties) { p.DuplicateDetectionHistoryTimeWindow = 169 * time.Hour }},
		{"MaxDeliveryCount", func(p *queue.Properties) { p.MaxDeliveryCount = 2001 }},
		{"MaxMessageSizeInKilobytes", func(p *queue.Properties) { p.MaxMessageSizeInKilobytes = -1 }},
		{"MaxSizeInMegabytes", func(p *queue.Properties) { p.MaxSizeInMegabytes = 81921 }},
		{"Status", func(p *queue.Properties) { p.Status = "Broken" }},
		{"UserMetadata", func(p *queue.Properties) { p.UserMetadata = strings.Repeat("a", 1025) }},
	}
	n := queue.NewNamespace()
	defer n.Close()
	for _, tt := range tests {
		p := queue.Properties{Name: "orders"}
		tt.change(&p)
		_, err := n.Create(p)
		if !errors.Is(err, queue.ErrInvalid) || !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%s: got %v", tt.names, err)
		}
	}
	check(t, "queues", len(n.List()), 0)
}

// Queues are created once, listed by name, updated in what may change, and gone after deletion.
func TestLifecycle(t *testing.T) {
	n, q := newQueue(t, nil)
	_, err := n.Create(queue.Properties{Name: "ORDERS"})
	if !errors.Is(err, queue.ErrExists) {
		t.Fatalf("created twice: %v", err)
	}
	_, err = n.Create(queue.Properties{Name: "bills"})
	must(t, err)
	check(t, "list", []string{n.List()[0].Path(), n.List()[1].Path()}, "[bills orders]")

	must(t, n.Update(queue.Properties{Name: "Orders", MaxDeliveryCount: 7}))
	check(t, "updated", q.Properties().MaxDeliveryCount, 7)
	check(t, "name", q.Properties().Name, "orders")
	check(t, "default", q.Properties().LockDuration, time.Minute)
	if err := n.Update(queue.Properties{Name: "orders", RequiresDuplicateDetection: true}); !errors.Is(err, queue.ErrInvalid) {
		t.Fatalf("changed what cannot change: %v", err)
	}

	send(t, q, "a")
	must(t, n.Delete("Orders"))
	<-q.Deleted()
	if err := q.Send(&queue.Message{}); !errors.Is(err, queue.ErrDeleted) {
		t.Fatalf("sent to a deleted queue: %v", err)
	}
	if err := n.Delete("orders"); !errors.Is(err, queue.ErrNotFound) {
		t.Fatalf("deleted twice: %v", err)
	}
	if err := n.Update(queue.Properties{Name: "orders"}); !errors.Is(err, queue.ErrNotFound) {
		t.Fatalf("updated after deletion: %v", err)
	}
	n.Close()
	if _, err := n.Create(queue.Properties{Name: "late"}); !errors.Is(err, queue.ErrDeleted) {
		t.Fatalf("created in a closed namespace: %v", err)
	}
}

// A queue's status says what may be done with it.
func TestStatus(t *testing.T) {
	tests := []struct {
		status         queue.Status
		sends, receive bool
	}{
		{queue.StatusActive, true, true},
		{queue.StatusSendDisabled, false, true},
		{queue.StatusReceiveDisabled, true, false},
		{queue.StatusDisabled, false, false},
	}
	for _, tt := range tests {
		n, q := newQueue(t, nil)
		send(t, q, "a", "b")
		must(t, q.Defer(receive(t, q, 1)[0].LockToken, nil))
		must(t, n.Update(queue.Properties{Name: "orders", Status: tt.status}))
		check(t, string(tt.status)+" sends", q.Send(&queue.Message{}) == nil, tt.sends)
		check(t, string(tt.status)+" receives", len(q.NewConsumer(queue.PeekLock).TryNext(1)) == 1, tt.receive)
		_, err := q.Receive(queue.PeekLock, 1)
		check(t, string(tt.status)+" receives by number", err == nil, tt.receive)
	}
}

// Messages and queues have their limits, and a batch that breaks one is refused whole.
func TestSizeLimits(t *testing.T) {
	_, q := newQueue(t, func(p *queue.Properties) { p.MaxSizeInMegabytes = 1 })
	small := func() *queue.Message { return &queue.Message{Size: 1} }
	full := func() *queue.Message { return &queue.Message{Size: 256 << 10} }
	if err := q.Send(small(), &queue.Message{Size: 256<<10 + 1}); !errors.Is(err, queue.ErrTooLarge) {
		t.Fatalf("too large: %v", err)
	}
	if err := q.Send(full(), full(), full(), full(), small()); !errors.Is(err, queue.ErrFull) {
		t.Fatalf("too many: %v", err)
	}
	check(t, "left", q.Runtime().TotalMessageCount, 0)
	must(t, q.Send(full(), full(), full(), full()))
	if _, err := q.Schedule(small()); !errors.Is(err, queue.ErrFull) {
		t.Fatalf("full: %v", err)
	}
	m := receive(t, q, 2)
	must(t, q.Complete(m[0].LockToken))
	must(t, q.DeadLetter(m[1].LockToken, "", "", nil))
	check(t, "dead letters count too", q.Runtime().SizeInBytes, 3*256<<10)
	must(t, q.Send(small()))
}
