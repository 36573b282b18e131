package emulator

import (
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Config says what a broker starts with. [LoadConfig] reads one from a Config.json of Microsoft's emulator.
type Config struct {
	Queues []Queue

	// Warnings tell what a Config.json says that this broker does otherwise than Microsoft's emulator, one line each.
	Warnings []string
}

// Queue describes a queue in the terms of Service Bus. Zero values mean Azure's defaults.
//
// Durations may be shorter than Azure allows, so that a test need not wait 5 seconds for a lock to expire.
type Queue struct {
	// Name has up to 260 letters, digits, '.', '-', '_' and '/', and is compared without regard to case.
	Name string

	LockDuration                        time.Duration // 1 minute by default, 5 minutes at most
	DefaultMessageTimeToLive            time.Duration // unlimited by default
	DeadLetteringOnMessageExpiration    bool          // else expired messages are dropped
	MaxDeliveryCount                    int           // 10 by default, 2,000 at most
	RequiresDuplicateDetection          bool
	DuplicateDetectionHistoryTimeWindow time.Duration // 10 minutes by default, 7 days at most
	MaxMessageSizeInKilobytes           int           // 256 by default, 102,400 at most
	MaxSizeInMegabytes                  int           // 1,024 by default, 81,920 at most
}

// DefaultConfig has one queue, "jobs", as asyncreply's services want it: locks of a minute, 10 deliveries, messages that
// live 14 days and are then dead-lettered, and duplicates detected for 10 minutes.
func DefaultConfig() *Config {
	return &Config{Queues: []Queue{{
		Name:                                "jobs",
		LockDuration:                        time.Minute,
		DefaultMessageTimeToLive:            14 * 24 * time.Hour,
		DeadLetteringOnMessageExpiration:    true,
		MaxDeliveryCount:                    10,
		RequiresDuplicateDetection:          true,
		DuplicateDetectionHistoryTimeWindow: 10 * time.Minute,
	}}}
}

func (q Queue) properties() queue.Properties {
	return queue.Properties{
		Name:                                q.Name,
		LockDuration:                        q.LockDuration,
		DefaultMessageTimeToLive:            q.DefaultMessageTimeToLive,
		DeadLetteringOnMessageExpiration:    q.DeadLetteringOnMessageExpiration,
		MaxDeliveryCount:                    q.MaxDeliveryCount,
		RequiresDuplicateDetection:          q.RequiresDuplicateDetection,
		DuplicateDetectionHistoryTimeWindow: q.DuplicateDetectionHistoryTimeWindow,
		MaxMessageSizeInKilobytes:           q.MaxMessageSizeInKilobytes,
		MaxSizeInMegabytes:                  q.MaxSizeInMegabytes,
	}
}
