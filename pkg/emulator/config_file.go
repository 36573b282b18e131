package emulator

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/iso8601"
)

// LoadConfig reads a Config.json file. See [ParseConfig].
func LoadConfig(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	c, err := ParseConfig(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ParseConfig reads the format of Microsoft's emulator
// (https://learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator), with the same defaults
// where a property is left out. What that emulator would not take though Azure would, such as a time to live of more than
// an hour, is a warning. Topics, sessions, forwarding, and fields or values that neither knows are one error that names them.
func ParseConfig(r io.Reader) (*Config, error) {
	var file configFile
	d := json.NewDecoder(io.LimitReader(r, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("config: more than one JSON value")
	}
	namespaces := file.UserConfig.Namespaces
	if len(namespaces) != 1 {
		return nil, fmt.Errorf("config: UserConfig.Namespaces has %d entries, not 1", len(namespaces))
	}
	c, err := namespaces[0].config()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return c, nil
}

type configFile struct {
	UserConfig struct {
		Namespaces []namespaceConfig
		Logging    struct{ Type string } // where Microsoft's emulator logs to; means nothing here
	}
}

type namespaceConfig struct {
	Name   string
	Queues []queueConfig
	Topics []struct {
		Name                      string
		Properties, Subscriptions json.RawMessage
	}
}

type queueConfig struct {
	Name       string
	Properties struct {
		DeadLetteringOnMessageExpiration    bool
		DefaultMessageTimeToLive            *string
		DuplicateDetectionHistoryTimeWindow *string
		ForwardDeadLetteredMessagesTo       string
		ForwardTo                           string
		LockDuration                        *string
		MaxDeliveryCount                    *int
		RequiresDuplicateDetection          bool
		RequiresSession                     bool
	}
}

// Limits and defaults of Microsoft's emulator, from the schema of its Config.json.
const (
	microsoftNamespace  = "sbemulatorns"
	microsoftEntities   = 50
	microsoftTimeToLive = time.Hour
	microsoftWindow     = 5 * time.Minute
	microsoftDeliveries = 10

	defaultFileTimeToLive = time.Hour
	defaultFileWindow     = 20 * time.Second
	defaultFileLock       = time.Minute
	defaultFileDeliveries = 3
)

func (n namespaceConfig) config() (*Config, error) {
	if len(n.Topics) > 0 {
		return nil, fmt.Errorf("topic %q: topics are not supported", n.Topics[0].Name)
	}
	if len(n.Queues) > microsoftEntities {
		return nil, fmt.Errorf("%d queues, at most %d are allowed", len(n.Queues), microsoftEntities)
	}
	c := &Config{}
	if n.Name != microsoftNamespace {
		c.warn("namespace %q: Microsoft's emulator knows only %q", n.Name, microsoftNamespace)
	}
	names := make(map[string]bool)
	for _, q := range n.Queues {
		if names[strings.ToLower(q.Name)] {
			return nil, fmt.Errorf("queue %q is there twice", q.Name)
		}
		names[strings.ToLower(q.Name)] = true
		if err := q.addTo(c); err != nil {
			return nil, fmt.Errorf("queue %q: %w", q.Name, err)
		}
	}
	return c, nil
}

func (q queueConfig) addTo(c *Config) error {
	if err := q.unsupported(); err != nil {
		return err
	}
	described, err := q.queue()
	if err != nil {
		return err
	}
	if err := described.properties().Validate(); err != nil {
		return err
	}
	c.Queues = append(c.Queues, described)
	c.compare(described)
	return nil
}

func (q queueConfig) unsupported() error {
	switch p := q.Properties; {
	case p.RequiresSession:
		return errors.New("RequiresSession: sessions are not supported")
	case p.ForwardTo != "":
		return errors.New("ForwardTo: forwarding is not supported")
	case p.ForwardDeadLetteredMessagesTo != "":
		return errors.New("ForwardDeadLetteredMessagesTo: forwarding is not supported")
	case p.MaxDeliveryCount != nil && *p.MaxDeliveryCount == 0:
		return errors.New("MaxDeliveryCount is 0")
	}
	return nil
}

func (q queueConfig) queue() (Queue, error) {
	p := q.Properties
	life, lifeErr := timeToLive(p.DefaultMessageTimeToLive, defaultFileTimeToLive)
	window, windowErr := duration("DuplicateDetectionHistoryTimeWindow", p.DuplicateDetectionHistoryTimeWindow, defaultFileWindow, minWindow)
	lock, lockErr := duration("LockDuration", p.LockDuration, defaultFileLock, minLock)
	deliveries := defaultFileDeliveries
	if p.MaxDeliveryCount != nil {
		deliveries = *p.MaxDeliveryCount
	}
	return Queue{
		Name:                                q.Name,
		LockDuration:                        lock,
		DefaultMessageTimeToLive:            life,
		DeadLetteringOnMessageExpiration:    p.DeadLetteringOnMessageExpiration,
		MaxDeliveryCount:                    deliveries,
		RequiresDuplicateDetection:          p.RequiresDuplicateDetection,
		DuplicateDetectionHistoryTimeWindow: window,
	}, cmp.Or(lifeErr, windowErr, lockErr)
}

// Azure's minima, where a description comes from a file or the management API.
const (
	minLock   = 5 * time.Second
	minWindow = 5 * time.Second // Azure: 20 s, Microsoft's emulator: 5 s
)

// timeToLive reads an optional DefaultMessageTimeToLive. An unlimited one is 0, as the engine has it.
func timeToLive(text *string, absent time.Duration) (time.Duration, error) {
	d, err := duration("DefaultMessageTimeToLive", text, absent, time.Second)
	if d == iso8601.Unlimited {
		return 0, err
	}
	return d, err
}

// duration reads an optional ISO 8601 duration.
func duration(name string, text *string, absent, least time.Duration) (time.Duration, error) {
	if text == nil || *text == "" {
		return absent, nil
	}
	d, err := iso8601.Parse(*text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s: %w", name, err)
	case d < least:
		return 0, fmt.Errorf("%s %s is less than %s", name, *text, iso8601.Format(least))
	}
	return d, nil
}

// compare warns of what Microsoft's emulator would refuse.
func (c *Config) compare(q Queue) {
	more := func(property string, value, limit any) {
		c.warn("queue %q: %s %v is more than Microsoft's emulator takes, %v", q.Name, property, value, limit)
	}
	if life := cmp.Or(q.DefaultMessageTimeToLive, iso8601.Unlimited); life > microsoftTimeToLive {
		more("DefaultMessageTimeToLive", iso8601.Format(life), iso8601.Format(microsoftTimeToLive))
	}
	if q.DuplicateDetectionHistoryTimeWindow > microsoftWindow {
		more("DuplicateDetectionHistoryTimeWindow", iso8601.Format(q.DuplicateDetectionHistoryTimeWindow), iso8601.Format(microsoftWindow))
	}
	if q.MaxDeliveryCount > microsoftDeliveries {
		more("MaxDeliveryCount", q.MaxDeliveryCount, microsoftDeliveries)
	}
}

func (c *Config) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}
