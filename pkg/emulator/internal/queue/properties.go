package queue

import (
	"cmp"
	"fmt"
	"regexp"
	"time"
)

// Status says what an entity may be used for, in the words of Azure's EntityStatus.
type Status string

// The statuses of a queue. Empty means StatusActive.
const (
	StatusActive          Status = "Active"
	StatusDisabled        Status = "Disabled"
	StatusSendDisabled    Status = "SendDisabled"
	StatusReceiveDisabled Status = "ReceiveDisabled"
)

func (s Status) sends() bool    { return s == StatusActive || s == StatusReceiveDisabled }
func (s Status) receives() bool { return s == StatusActive || s == StatusSendDisabled }

// Properties describes a queue in the terms of Azure's QueueDescription. Zero values mean Azure's defaults. Durations may
// be shorter than Azure's minimum, so that tests need not wait.
type Properties struct {
	Name                                string        // up to 260 letters, digits, '.', '-', '_', '/'; compared without case
	LockDuration                        time.Duration // 1 minute; up to 5 minutes
	DefaultMessageTimeToLive            time.Duration // unlimited
	RequiresDuplicateDetection          bool          // cannot be changed later
	DuplicateDetectionHistoryTimeWindow time.Duration // 10 minutes; up to 7 days
	DeadLetteringOnMessageExpiration    bool          // else expired messages are dropped
	MaxDeliveryCount                    int           // 10; up to 2,000
	MaxMessageSizeInKilobytes           int           // 256; up to 102,400, Azure's premium tier
	MaxSizeInMegabytes                  int           // 1,024; up to 81,920
	Status                              Status
	UserMetadata                        string // up to 1,024 characters
}

// RuntimeProperties are a queue's counts and times at one moment.
type RuntimeProperties struct {
	ActiveMessageCount     int // active and deferred, locked ones too
	DeadLetterMessageCount int
	ScheduledMessageCount  int
	TotalMessageCount      int   // the three together
	SizeInBytes            int64 // all messages, the dead-letter queue's too
	CreatedAt              time.Time
	UpdatedAt              time.Time
	AccessedAt             time.Time
}

// Azure's limits (https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas).
const (
	maxNameLength     = 260
	maxLockDuration   = 5 * time.Minute
	maxHistoryWindow  = 7 * 24 * time.Hour
	maxDeliveryCount  = 2000
	maxMessageKB      = 100 << 10
	maxQueueMB        = 80 << 10
	maxMetadataLength = 1024
	defaultLock       = time.Minute
	defaultWindow     = 10 * time.Minute
	defaultDeliveries = 10
	defaultMessageKB  = 256
	defaultQueueMB    = 1024
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9]([\w\-./]*[A-Za-z0-9])?$`)

func (p Properties) withDefaults() Properties {
	p.LockDuration = cmp.Or(p.LockDuration, defaultLock)
	p.DuplicateDetectionHistoryTimeWindow = cmp.Or(p.DuplicateDetectionHistoryTimeWindow, defaultWindow)
	p.MaxDeliveryCount = cmp.Or(p.MaxDeliveryCount, defaultDeliveries)
	p.MaxMessageSizeInKilobytes = cmp.Or(p.MaxMessageSizeInKilobytes, defaultMessageKB)
	p.MaxSizeInMegabytes = cmp.Or(p.MaxSizeInMegabytes, defaultQueueMB)
	p.Status = cmp.Or(p.Status, StatusActive)
	return p
}

// Validate tells whether a queue can be created so. The error is an [ErrInvalid] that names the property.
func (p Properties) Validate() error { return p.withDefaults().validate() }

func (p Properties) validate() error {
	switch {
	case len(p.Name) > maxNameLength || !namePattern.MatchString(p.Name):
		return fmt.Errorf("%w: Name %.300q is not a queue name", ErrInvalid, p.Name)
	case !p.Status.sends() && !p.Status.receives() && p.Status != StatusDisabled:
		return fmt.Errorf("%w: Status %.50q is unknown", ErrInvalid, p.Status)
	case p.DefaultMessageTimeToLive < 0:
		return fmt.Errorf("%w: DefaultMessageTimeToLive is negative", ErrInvalid)
	case len(p.UserMetadata) > maxMetadataLength:
		return fmt.Errorf("%w: UserMetadata is longer than %d characters", ErrInvalid, maxMetadataLength)
	}
	return cmp.Or(
		within("LockDuration", p.LockDuration, 1, maxLockDuration),
		within("DuplicateDetectionHistoryTimeWindow", p.DuplicateDetectionHistoryTimeWindow, 1, maxHistoryWindow),
		within("MaxDeliveryCount", p.MaxDeliveryCount, 1, maxDeliveryCount),
		within("MaxMessageSizeInKilobytes", p.MaxMessageSizeInKilobytes, 1, maxMessageKB),
		within("MaxSizeInMegabytes", p.MaxSizeInMegabytes, 1, maxQueueMB),
	)
}

func within[T cmp.Ordered](name string, value, low, high T) error {
	switch {
	case value < low:
		return fmt.Errorf("%w: %s %v is less than %v", ErrInvalid, name, value, low)
	case value > high:
		return fmt.Errorf("%w: %s %v is more than %v", ErrInvalid, name, value, high)
	}
	return nil
}
