package operation

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/goccy/go-yaml"
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

// Set holds the operations of one file.
type Set struct {
	operations map[string]*Operation
}

// Lookup finds an operation by its name.
func (s *Set) Lookup(name string) (*Operation, bool) {
	o, ok := s.operations[name]
	return o, ok
}

// Names lists the operations in alphabetical order.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.operations)) }

// LongestQueueTimeout gives the longest time that any accepted request may
// wait in the queue.
func (s *Set) LongestQueueTimeout() time.Duration {
	var longest time.Duration
	for _, o := range s.operations {
		longest = max(longest, o.QueueTimeout)
	}
	return longest
}

// Load reads the operations file at path.
func Load(path string) (*Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("operations file: %w", err)
	}
	defer f.Close()
	set, err := Parse(f)
	if err != nil {
		return nil, fmt.Errorf("operations file %s: %w", path, err)
	}
	return set, nil
}

// Parse reads an operations file. An unknown key, a malformed value and an
// operation without exactly one processor are errors that name their place.
func Parse(r io.Reader) (*Set, error) {
	var file fileYAML
	if err := yaml.NewDecoder(r, yaml.Strict()).Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(yaml.FormatError(err, false, true))
	}
	if len(file.Operations) == 0 {
		return nil, errors.New("no operations; name at least one under operations")
	}
	set := &Set{operations: map[string]*Operation{}}
	for _, name := range slices.Sorted(maps.Keys(file.Operations)) {
		o, err := file.Operations[name].operation(name)
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", name, err)
		}
		set.operations[name] = o
	}
	return set, nil
}

type fileYAML struct {
	Operations map[string]operationYAML `yaml:"operations"`
}

type operationYAML struct {
	Description    string         `yaml:"description"`
	ContentTypes   []string       `yaml:"contentTypes"`
	Schema         map[string]any `yaml:"schema"`
	Parameters     map[string]any `yaml:"parameters"`
	MaxPayload     byteSize       `yaml:"maxPayload"`
	QueueTimeout   time.Duration  `yaml:"queueTimeout"`
	AttemptTimeout time.Duration  `yaml:"attemptTimeout"`
	Deadline       time.Duration  `yaml:"deadline"`
	Retry          retryYAML      `yaml:"retry"`
	Processor      processorYAML  `yaml:"processor"`
}

type retryYAML struct {
	Attempts   int           `yaml:"attempts"`
	Backoff    time.Duration `yaml:"backoff"`
	MaxBackoff time.Duration `yaml:"maxBackoff"`
}

type processorYAML struct {
	Go   string    `yaml:"go"`
	HTTP *httpYAML `yaml:"http"`
	Exec *execYAML `yaml:"exec"`
}

type httpYAML struct {
	URL     string            `yaml:"url"`
	Method  string            `yaml:"method"`
	Headers map[string]string `yaml:"headers"`
}

type execYAML struct {
	Command     []string          `yaml:"command"`
	Dir         string            `yaml:"dir"`
	Env         map[string]string `yaml:"env"`
	ContentType string            `yaml:"contentType"`
	FileName    string            `yaml:"fileName"`
}

// operationName is what can stand in a URL's path as it is.
var operationName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

func (y operationYAML) operation(name string) (*Operation, error) {
	if !operationName.MatchString(name) {
		return nil, errors.New("a name is lower-case letters, digits and hyphens, at most 63")
	}
	if err := y.checkRanges(); err != nil {
		return nil, err
	}
	o := &Operation{
		Name:           name,
		Description:    y.Description,
		ContentTypes:   y.ContentTypes,
		QueueTimeout:   orDefault(y.QueueTimeout, DefaultQueueTimeout),
		AttemptTimeout: orDefault(y.AttemptTimeout, DefaultAttemptTimeout),
		Deadline:       orDefault(y.Deadline, DefaultDeadline),
		Retry: Retry{
			Attempts:   orDefault(y.Retry.Attempts, DefaultAttempts),
			Backoff:    orDefault(y.Retry.Backoff, DefaultBackoff),
			MaxBackoff: orDefault(y.Retry.MaxBackoff, DefaultMaxBackoff),
		},
	}
	var err error
	if o.schema, err = newPayloadSchema(y.Schema); err != nil {
		return nil, err
	}
	if o.parameters, err = newParameters(y.Parameters); err != nil {
		return nil, err
	}
	if o.Processor, err = y.Processor.processor(); err != nil {
		return nil, err
	}
	o.MaxPayload = y.maxPayload()
	return o, nil
}

func (y operationYAML) checkRanges() error {
	for name, d := range map[string]time.Duration{
		"queueTimeout": y.QueueTimeout, "attemptTimeout": y.AttemptTimeout, "deadline": y.Deadline,
		"retry.backoff": y.Retry.Backoff, "retry.maxBackoff": y.Retry.MaxBackoff,
	} {
		if d < 0 {
			return fmt.Errorf("%s is negative", name)
		}
	}
	if y.Retry.Attempts < 0 || y.Retry.Attempts > 100 {
		return errors.New("retry.attempts is not between 1 and 100")
	}
	return nil
}

func (y operationYAML) maxPayload() int64 {
	if y.Schema != nil {
		return orDefault(int64(y.MaxPayload), DefaultMaxSchemaPayload)
	}
	return orDefault(int64(y.MaxPayload), DefaultMaxPayload)
}

func orDefault[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

func (y processorYAML) processor() (Processor, error) {
	p := Processor{Go: y.Go}
	named := 0
	if y.Go != "" {
		named++
	}
	if y.HTTP != nil {
		named++
		u, err := url.Parse(y.HTTP.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return Processor{}, fmt.Errorf("processor.http.url %q is not an absolute http or https URL", y.HTTP.URL)
		}
		p.HTTP = &HTTP{URL: y.HTTP.URL, Method: orDefault(y.HTTP.Method, "POST"), Headers: y.HTTP.Headers}
	}
	if y.Exec != nil {
		named++
		if len(y.Exec.Command) == 0 || y.Exec.Command[0] == "" {
			return Processor{}, errors.New("processor.exec.command is empty")
		}
		p.Exec = &Exec{
			Command: y.Exec.Command, Dir: y.Exec.Dir, Env: y.Exec.Env, FileName: y.Exec.FileName,
			ContentType: orDefault(y.Exec.ContentType, "application/octet-stream"),
		}
	}
	if named != 1 {
		return Processor{}, errors.New("processor needs exactly one of go, http, exec")
	}
	return p, nil
}
