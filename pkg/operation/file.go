package operation

import (
	"fmt"
	"mime"
	"regexp"
	"strings"
	"time"
)

// Defaults of what the operations file leaves out.
const (
	DefaultMaxPayload       = 100 << 20 // bytes
	DefaultMaxSchemaPayload = 1 << 20   // bytes, of an operation with a schema, whose payload is held in memory
	DefaultQueueTimeout     = 24 * time.Hour
	DefaultAttemptTimeout   = time.Hour
	DefaultDeadline         = 48 * time.Hour
	DefaultAttempts         = 3
	DefaultBackoff          = time.Second
	DefaultMaxBackoff       = 5 * time.Minute
)

// Limits of what the operations file may ask for.
const (
	MaxSchemaPayload = 16 << 20 // bytes, of an operation with a schema
	MaxAttempts      = 100
)

type fileYAML struct {
	Operations map[string]operationYAML `yaml:"operations"`
}

type operationYAML struct {
	Description    string         `yaml:"description"`
	ContentTypes   []string       `yaml:"contentTypes"`
	Schema         map[string]any `yaml:"schema"`
	Parameters     map[string]any `yaml:"parameters"`
	MaxPayload     string         `yaml:"maxPayload"`
	QueueTimeout   string         `yaml:"queueTimeout"`
	AttemptTimeout string         `yaml:"attemptTimeout"`
	Deadline       string         `yaml:"deadline"`
	Retry          retryYAML      `yaml:"retry"`
	Processor      processorYAML  `yaml:"processor"`
}

type retryYAML struct {
	Attempts   *int   `yaml:"attempts"`
	Backoff    string `yaml:"backoff"`
	MaxBackoff string `yaml:"maxBackoff"`
}

// operationName is what can stand in a URL's path as it is.
var operationName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

func (y operationYAML) operation(name string) (*Operation, error) {
	if !operationName.MatchString(name) {
		return nil, atKey("", "a name is lower-case letters, digits and hyphens, begins with a letter and has at most 63 characters")
	}
	o := &Operation{Name: name, Description: y.Description, ContentTypes: y.ContentTypes}
	for _, step := range []func(*Operation) error{
		y.setContentTypes, y.setTimes, y.setRetry, y.setSchemas, y.setMaxPayload, y.setProcessor,
	} {
		if err := step(o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// setContentTypes demands media types or ranges (RFC 9110, section 12.5.1)
// without parameters.
func (y operationYAML) setContentTypes(o *Operation) error {
	for _, one := range y.ContentTypes {
		mediaType, parameters, err := mime.ParseMediaType(one)
		main, sub, ok := strings.Cut(mediaType, "/")
		if err != nil || !ok || len(parameters) > 0 || main == "" || sub == "" || strings.ContainsAny(one, `[?\`) {
			return atKey("contentTypes", "%q is not a media type such as text/csv or image/*", one)
		}
	}
	return nil
}

func (y operationYAML) setTimes(o *Operation) error {
	return readDurations([]durationKey{
		{"queueTimeout", y.QueueTimeout, DefaultQueueTimeout, &o.QueueTimeout},
		{"attemptTimeout", y.AttemptTimeout, DefaultAttemptTimeout, &o.AttemptTimeout},
		{"deadline", y.Deadline, DefaultDeadline, &o.Deadline},
	})
}

func (y operationYAML) setRetry(o *Operation) error {
	o.Retry.Attempts = DefaultAttempts
	if y.Retry.Attempts != nil {
		o.Retry.Attempts = *y.Retry.Attempts
	}
	if o.Retry.Attempts < 1 || o.Retry.Attempts > MaxAttempts {
		return atKey("retry.attempts", "%d is not between 1 and %d", o.Retry.Attempts, MaxAttempts)
	}
	err := readDurations([]durationKey{
		{"retry.backoff", y.Retry.Backoff, DefaultBackoff, &o.Retry.Backoff},
		{"retry.maxBackoff", y.Retry.MaxBackoff, DefaultMaxBackoff, &o.Retry.MaxBackoff},
	})
	if err != nil {
		return err
	}
	if y.Retry.MaxBackoff == "" {
		o.Retry.MaxBackoff = max(o.Retry.MaxBackoff, o.Retry.Backoff)
	}
	if o.Retry.MaxBackoff < o.Retry.Backoff {
		return atKey("retry.maxBackoff", "%s is below backoff, %s", o.Retry.MaxBackoff, o.Retry.Backoff)
	}
	return nil
}

func (y operationYAML) setSchemas(o *Operation) (err error) {
	if o.schema, err = newPayloadSchema(y.Schema); err != nil {
		return err
	}
	o.parameters, err = newParameters(y.Parameters)
	return err
}

func (y operationYAML) setMaxPayload(o *Operation) error {
	o.MaxPayload = DefaultMaxPayload
	if o.NeedsWholePayload() {
		o.MaxPayload = DefaultMaxSchemaPayload
	}
	if y.MaxPayload == "" {
		return nil
	}
	var err error
	if o.MaxPayload, err = readSize(y.MaxPayload); err != nil {
		return atKey("maxPayload", "%w", err)
	}
	if o.NeedsWholePayload() && o.MaxPayload > MaxSchemaPayload {
		return atKey("maxPayload", "%s is above %dMB, the limit with a schema, because such a payload is held in memory",
			y.MaxPayload, MaxSchemaPayload>>20)
	}
	return nil
}

func (y operationYAML) setProcessor(o *Operation) (err error) {
	o.Processor, err = y.Processor.processor()
	return err
}

// durationKey is a key that holds a duration, and where its value goes.
type durationKey struct {
	key, text string
	byDefault time.Duration
	into      *time.Duration
}

func readDurations(keys []durationKey) error {
	for _, k := range keys {
		*k.into = k.byDefault
		if k.text == "" {
			continue
		}
		d, err := readDuration(k.text)
		if err != nil {
			return atKey(k.key, "%w", err)
		}
		*k.into = d
	}
	return nil
}

// keyError is what is wrong with the value of a key.
type keyError struct {
	key string // path below the operation, "" for the operation itself
	err error
}

func atKey(key, format string, args ...any) error {
	return &keyError{key: key, err: fmt.Errorf(format, args...)}
}

func (e *keyError) Error() string { return strings.TrimPrefix(e.key+": "+e.err.Error(), ": ") }
func (e *keyError) Unwrap() error { return e.err }
