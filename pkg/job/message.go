package job

import (
	"fmt"
	"strconv"
	"time"
)

// Application properties of the message that carries a request. The first
// three names are those of the pattern's sample and are kept to the letter.
const (
	PropertyRequestGUID        = "RequestGUID"
	PropertyRequestSubmittedAt = "RequestSubmittedAt" // RFC 3339, UTC
	PropertyRequestStatusURL   = "RequestStatusURL"
	PropertyOperation          = "Operation"
	PropertyOwner              = "Owner"
	PropertyQuery              = "Query"       // the request's query string: the operation's parameters
	PropertyPayloadBlob        = "PayloadBlob" // claim check
	PropertyPayloadSize        = "PayloadSize" // bytes, with a claim check
	PropertyAttempt            = "Attempt"     // on a retry copy
	PropertyTraceParent        = "traceparent" // W3C Trace Context
	PropertyTraceState         = "tracestate"
	PropertyDiagnosticID       = "Diagnostic-Id" // traceparent again, as Azure SDKs name it
)

// Message is the envelope that carries a request from the acceptor to a
// worker.
type Message struct {
	ID          ID
	Operation   string
	Owner       string // "" where callers are not authenticated
	SubmittedAt time.Time
	StatusURL   string
	Query       string // raw query string of the request, without control parameters
	ContentType string
	Body        []byte        // empty when the payload is claim-checked
	PayloadBlob string        // name of the claim-checked payload, or ""
	PayloadSize int64         // bytes of the claim-checked payload
	Attempt     int           // 1 for the request itself, n for the copy that makes the nth try
	TimeToLive  time.Duration // how long it may wait in the queue; 0: the queue's own
	TraceParent string
	TraceState  string
}

// MessageID gives the Service Bus MessageID, on which duplicates are detected:
// the id, or the id and the number of the try for a retry copy.
func (m *Message) MessageID() string {
	if m.Attempt > 1 {
		return m.ID.String() + ":" + strconv.Itoa(m.Attempt)
	}
	return m.ID.String()
}

// Size gives the payload's size in bytes, wherever it lies.
func (m *Message) Size() int64 {
	if m.PayloadBlob != "" {
		return m.PayloadSize
	}
	return int64(len(m.Body))
}

// Properties gives the application properties of the message.
func (m *Message) Properties() map[string]any {
	p := propertyMap{}
	m.WriteProperties(p)
	return p
}

// PropertyWriter takes application properties.
type PropertyWriter interface {
	WriteText(name, value string)
	WriteInteger(name string, value int64)
}

// WriteProperties writes the application properties of the message, each once.
func (m *Message) WriteProperties(w PropertyWriter) {
	w.WriteText(PropertyRequestGUID, m.ID.String())
	w.WriteText(PropertyRequestSubmittedAt, m.SubmittedAt.UTC().Format(time.RFC3339Nano))
	w.WriteText(PropertyRequestStatusURL, m.StatusURL)
	w.WriteText(PropertyOperation, m.Operation)
	for _, p := range [...]struct{ name, value string }{
		{PropertyOwner, m.Owner},
		{PropertyQuery, m.Query},
		{PropertyTraceParent, m.TraceParent},
		{PropertyDiagnosticID, m.TraceParent},
		{PropertyTraceState, m.TraceState},
	} {
		if p.value != "" {
			w.WriteText(p.name, p.value)
		}
	}
	if m.PayloadBlob != "" {
		w.WriteText(PropertyPayloadBlob, m.PayloadBlob)
		w.WriteInteger(PropertyPayloadSize, m.PayloadSize)
	}
	if m.Attempt > 1 {
		w.WriteInteger(PropertyAttempt, int64(m.Attempt))
	}
}

// propertyMap is a PropertyWriter.
type propertyMap map[string]any

func (p propertyMap) WriteText(name, value string)          { p[name] = value }
func (p propertyMap) WriteInteger(name string, value int64) { p[name] = value }

// ReadProperties fills m from application properties. What it could read it
// fills in even when it returns an error, so that a message with a usable id
// can be failed where its caller sees it. An absent or malformed property
// gives an [Error] with [CodeInvalidMessage]; m.ID is zero if the id was it.
func (m *Message) ReadProperties(p map[string]any) error {
	r := propertyReader{properties: p}
	m.Operation = r.required(PropertyOperation)
	m.StatusURL = r.text(PropertyRequestStatusURL)
	m.Owner = r.text(PropertyOwner)
	m.Query = r.text(PropertyQuery)
	m.PayloadBlob = r.text(PropertyPayloadBlob)
	m.PayloadSize = r.integer(PropertyPayloadSize, 0, 0)
	m.Attempt = int(r.integer(PropertyAttempt, 1, 1))
	m.TraceParent = r.text(PropertyTraceParent)
	if m.TraceParent == "" {
		m.TraceParent = r.text(PropertyDiagnosticID)
	}
	m.TraceState = r.text(PropertyTraceState)
	m.SubmittedAt = r.time(PropertyRequestSubmittedAt)
	m.ID = r.id(PropertyRequestGUID)
	return r.err
}

// propertyReader reads application properties and keeps the last error.
type propertyReader struct {
	properties map[string]any
	err        error
}

func (r *propertyReader) fail(name, what string) {
	r.err = &Error{Code: CodeInvalidMessage, Message: fmt.Sprintf("application property %s %s", name, what)}
}

func (r *propertyReader) text(name string) string {
	switch v := r.properties[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		r.fail(name, "is not a string")
		return ""
	}
}

func (r *propertyReader) required(name string) string {
	v := r.text(name)
	if v == "" {
		r.fail(name, "is missing")
	}
	return v
}

// integer takes every integer type that an AMQP client may have chosen.
func (r *propertyReader) integer(name string, absent, least int64) int64 {
	n, ok := int64(0), true
	switch v := r.properties[name].(type) {
	case nil:
		return absent
	case int64:
		n = v
	case int32:
		n = int64(v)
	case int:
		n = int64(v)
	case uint32:
		n = int64(v)
	case uint64:
		n, ok = int64(v), v < 1<<63
	default:
		ok = false
	}
	switch {
	case !ok:
		r.fail(name, "is not an integer")
	case n < least:
		r.fail(name, fmt.Sprintf("is below %d", least))
	default:
		return n
	}
	return absent
}

// time takes an RFC 3339 string or an AMQP timestamp; absent gives zero.
func (r *propertyReader) time(name string) time.Time {
	switch v := r.properties[name].(type) {
	case nil:
		return time.Time{}
	case time.Time:
		return v.UTC()
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.UTC()
		}
	}
	r.fail(name, "is not an RFC 3339 time")
	return time.Time{}
}

// id takes a string or the 16 bytes of an AMQP uuid.
func (r *propertyReader) id(name string) ID {
	switch v := r.properties[name].(type) {
	case nil:
		r.fail(name, "is missing")
		return ID{}
	case string:
		if id, err := ParseID(v); err == nil {
			return id
		}
	case [16]byte:
		if v != (ID{}) {
			return v
		}
	case interface{ String() string }:
		if id, err := ParseID(v.String()); err == nil {
			return id
		}
	}
	r.fail(name, "is not a GUID")
	return ID{}
}
