package queue

import "time"

// Status says what an entity may be used for, in the words of Azure's EntityStatus.
type Status string

// The statuses of a queue. Empty means StatusActive.
const (
	StatusActive          Status = "Active"
	StatusDisabled        Status = "Disabled"
	StatusSendDisabled    Status = "SendDisabled"
	StatusReceiveDisabled Status = "ReceiveDisabled"
)

// Properties describes a queue in the terms of Azure's QueueDescription. Zero values mean Azure's defaults.
type Properties struct {
	Name                                string        // up to 260 letters, digits, '.', '-', '_', '/'; compared without case
	LockDuration                        time.Duration // 1 minute; 5 s to 5 minutes
	DefaultMessageTimeToLive            time.Duration // unlimited
	RequiresDuplicateDetection          bool          // cannot be changed later
	DuplicateDetectionHistoryTimeWindow time.Duration // 10 minutes; 20 s to 7 days
	DeadLetteringOnMessageExpiration    bool          // else expired messages are dropped
	MaxDeliveryCount                    int           // 10; 1 to 2,000
	MaxMessageSizeInKilobytes           int           // 256
	MaxSizeInMegabytes                  int           // 1,024
	Status                              Status
	UserMetadata                        string
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
