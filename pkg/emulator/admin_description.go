package emulator

import (
	"cmp"
	"fmt"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/iso8601"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// queueDescription is Azure's QueueDescription. Its elements are in the order of its schema, on which some clients depend;
// in requests any order will do and any element may be left out.
type queueDescription struct {
	Namespace         string `xml:"xmlns,attr,omitempty"`
	InstanceNamespace string `xml:"xmlns:i,attr,omitempty"`

	LockDuration                        *string
	MaxSizeInMegabytes                  *int
	RequiresDuplicateDetection          *bool
	RequiresSession                     *bool
	DefaultMessageTimeToLive            *string
	DeadLetteringOnMessageExpiration    *bool
	DuplicateDetectionHistoryTimeWindow *string
	MaxDeliveryCount                    *int
	EnableBatchedOperations             *bool
	SizeInBytes                         *int64
	MessageCount                        *int
	IsAnonymousAccessible               *bool
	Status                              *string
	ForwardTo                           *string
	UserMetadata                        *string
	CreatedAt                           string `xml:",omitempty"`
	UpdatedAt                           string `xml:",omitempty"`
	AccessedAt                          string `xml:",omitempty"`
	SupportOrdering                     *bool
	CountDetails                        *countDetails
	AutoDeleteOnIdle                    *string
	EnablePartitioning                  *bool
	EntityAvailabilityStatus            string `xml:",omitempty"`
	ForwardDeadLetteredMessagesTo       *string
	EnableExpress                       *bool
	MaxMessageSizeInKilobytes           *int
}

type countDetails struct {
	Namespace                      string `xml:"xmlns:d2p1,attr"`
	ActiveMessageCount             int    `xml:"d2p1:ActiveMessageCount"`
	DeadLetterMessageCount         int    `xml:"d2p1:DeadLetterMessageCount"`
	ScheduledMessageCount          int    `xml:"d2p1:ScheduledMessageCount"`
	TransferMessageCount           int    `xml:"d2p1:TransferMessageCount"`
	TransferDeadLetterMessageCount int    `xml:"d2p1:TransferDeadLetterMessageCount"`
}

// describe gives a queue's whole description and runtime properties.
func describe(q *queue.Queue) *queueDescription {
	p, r := q.Properties(), q.Runtime()
	life := cmp.Or(p.DefaultMessageTimeToLive, iso8601.Unlimited)
	d := &queueDescription{
		Namespace:                           entityNamespace,
		InstanceNamespace:                   instanceNamespace,
		LockDuration:                        new(iso8601.Format(p.LockDuration)),
		MaxSizeInMegabytes:                  &p.MaxSizeInMegabytes,
		RequiresDuplicateDetection:          &p.RequiresDuplicateDetection,
		RequiresSession:                     new(false),
		DefaultMessageTimeToLive:            new(iso8601.Format(life)),
		DeadLetteringOnMessageExpiration:    &p.DeadLetteringOnMessageExpiration,
		DuplicateDetectionHistoryTimeWindow: new(iso8601.Format(p.DuplicateDetectionHistoryTimeWindow)),
		MaxDeliveryCount:                    &p.MaxDeliveryCount,
		EnableBatchedOperations:             new(true),
		SizeInBytes:                         &r.SizeInBytes,
		MessageCount:                        &r.TotalMessageCount,
		IsAnonymousAccessible:               new(false),
		Status:                              new(string(p.Status)),
		CreatedAt:                           timestamp(r.CreatedAt),
		UpdatedAt:                           timestamp(r.UpdatedAt),
		AccessedAt:                          "0001-01-01T00:00:00",
		SupportOrdering:                     new(true),
		CountDetails:                        newCountDetails(r),
		AutoDeleteOnIdle:                    new(iso8601.Format(iso8601.Unlimited)),
		EnablePartitioning:                  new(false),
		EntityAvailabilityStatus:            "Available",
		EnableExpress:                       new(false),
		MaxMessageSizeInKilobytes:           &p.MaxMessageSizeInKilobytes,
	}
	if p.UserMetadata != "" {
		d.UserMetadata = &p.UserMetadata
	}
	if !r.AccessedAt.IsZero() {
		d.AccessedAt = timestamp(r.AccessedAt)
	}
	return d
}

func newCountDetails(r queue.RuntimeProperties) *countDetails {
	return &countDetails{
		Namespace:              countNamespace,
		ActiveMessageCount:     r.ActiveMessageCount,
		DeadLetterMessageCount: r.DeadLetterMessageCount,
		ScheduledMessageCount:  r.ScheduledMessageCount,
	}
}

// properties gives what a request asks for. What is left out has Azure's default. What this broker cannot do is an
// [queue.ErrInvalid] that names the property, rather than ignored.
func (d *queueDescription) properties(name string) (queue.Properties, error) {
	lock, lockErr := duration("LockDuration", d.LockDuration, 0, minLock)
	window, windowErr := duration("DuplicateDetectionHistoryTimeWindow", d.DuplicateDetectionHistoryTimeWindow, 0, minWindow)
	life, lifeErr := timeToLive(d.DefaultMessageTimeToLive, 0)
	if err := cmp.Or(lockErr, windowErr, lifeErr, d.unsupported(), d.nonPositive()); err != nil {
		return queue.Properties{}, fmt.Errorf("%w: %w", queue.ErrInvalid, err)
	}
	return queue.Properties{
		Name:                                name,
		LockDuration:                        lock,
		DefaultMessageTimeToLive:            life,
		RequiresDuplicateDetection:          value(d.RequiresDuplicateDetection),
		DuplicateDetectionHistoryTimeWindow: window,
		DeadLetteringOnMessageExpiration:    value(d.DeadLetteringOnMessageExpiration),
		MaxDeliveryCount:                    value(d.MaxDeliveryCount),
		MaxMessageSizeInKilobytes:           value(d.MaxMessageSizeInKilobytes),
		MaxSizeInMegabytes:                  value(d.MaxSizeInMegabytes),
		Status:                              queue.Status(value(d.Status)),
		UserMetadata:                        value(d.UserMetadata),
	}, nil
}

func (d *queueDescription) unsupported() error {
	for _, p := range []struct {
		name  string
		asked bool
	}{
		{"RequiresSession", value(d.RequiresSession)},
		{"EnablePartitioning", value(d.EnablePartitioning)},
		{"ForwardTo", value(d.ForwardTo) != ""},
		{"ForwardDeadLetteredMessagesTo", value(d.ForwardDeadLetteredMessagesTo) != ""},
		{"AutoDeleteOnIdle", d.AutoDeleteOnIdle != nil && *d.AutoDeleteOnIdle != iso8601.Format(iso8601.Unlimited)},
	} {
		if p.asked {
			return fmt.Errorf("%s is not supported", p.name)
		}
	}
	return nil
}

// nonPositive refuses numbers that would be taken for ones left out.
func (d *queueDescription) nonPositive() error {
	for _, p := range []struct {
		name  string
		value *int
	}{
		{"MaxDeliveryCount", d.MaxDeliveryCount},
		{"MaxMessageSizeInKilobytes", d.MaxMessageSizeInKilobytes},
		{"MaxSizeInMegabytes", d.MaxSizeInMegabytes},
	} {
		if p.value != nil && *p.value <= 0 {
			return fmt.Errorf("%s %d is not positive", p.name, *p.value)
		}
	}
	return nil
}

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
