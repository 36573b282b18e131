package operation

import (
	"mime"
	"path"
	"strings"
	"time"
)

// Operation is one kind of work. Its durations and limits are never zero:
// what the file leaves out has its default.
type Operation struct {
	Name        string
	Description string

	ContentTypes []string // media types or ranges taken, such as image/*; empty: any
	MaxPayload   int64    // bytes

	QueueTimeout   time.Duration // longest wait in the queue, from the accepting send
	AttemptTimeout time.Duration // longest run of one attempt
	Deadline       time.Duration // longest time from submission to the end of the last attempt
	Retry          Retry
	Processor      Processor

	parameters *parameters
	schema     *payloadSchema
}

// TakesContentType reports whether the operation takes a payload of the given
// Content-Type header value. An absent header counts as
// application/octet-stream (RFC 9110, section 8.3).
func (o *Operation) TakesContentType(header string) bool {
	if len(o.ContentTypes) == 0 {
		return true
	}
	if header == "" {
		header = "application/octet-stream"
	}
	mediaType, _, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	for _, pattern := range o.ContentTypes {
		if ok, _ := path.Match(strings.ToLower(pattern), mediaType); ok {
			return true
		}
	}
	return false
}

// NeedsWholePayload reports whether [Operation.ValidatePayload] looks at the
// payload, so that the acceptor must hold all of it in memory.
func (o *Operation) NeedsWholePayload() bool { return o.schema != nil }

// Schema gives the JSON Schema of the payload as the operations file has it,
// or nil. The caller does not change it.
func (o *Operation) Schema() map[string]any {
	if o.schema == nil {
		return nil
	}
	return o.schema.source
}

// Parameters gives the declared parameters of the query string by name, each a
// JSON Schema as the operations file has it, or nil if any are taken. The
// caller does not change them.
func (o *Operation) Parameters() map[string]any {
	if o.parameters == nil {
		return nil
	}
	return o.parameters.source
}

// ValidatePayload checks the payload against the operation's JSON Schema. A
// payload that does not fit gives a [job.Error] with
// [job.CodeInvalidPayload] whose cause is a [*Violations].
func (o *Operation) ValidatePayload(payload []byte) error {
	if o.schema == nil {
		return nil
	}
	return o.schema.validate(payload)
}

// ValidateQuery checks the request's query string against the operation's
// parameters and gives it back normalised, with defaults filled in. An
// operation that declares no parameters takes any. A query that does not fit
// gives a [job.Error] with [job.CodeInvalidParameter] whose cause is a
// [*Violations].
func (o *Operation) ValidateQuery(rawQuery string) (string, error) {
	return o.parameters.normalise(rawQuery)
}
