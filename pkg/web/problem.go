package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// MIMEProblem is the media type of problem details (RFC 9457, section 6.1).
const MIMEProblem = "application/problem+json"

// HeaderErrorCode repeats a problem's code, where Azure's clients look for it.
const HeaderErrorCode = "x-ms-error-code"

// Problem is a problem details object (RFC 9457). It is an error, so a
// handler may return one.
type Problem struct {
	Type        string                `json:"type"`               // default about:blank
	Title       string                `json:"title"`              // default: the status's phrase
	Status      int                   `json:"status"`             // default: that of Code
	Detail      string                `json:"detail,omitempty"`   // for people
	Instance    string                `json:"instance,omitempty"` // default: path of the request
	Code        job.Code              `json:"code"`
	RequestGUID string                `json:"requestGuid,omitempty"` // default: as told by SetRequestGUID
	RequestID   string                `json:"requestId,omitempty"`   // default: the answer's x-ms-request-id
	Errors      []operation.Violation `json:"errors,omitempty"`      // what is wrong with payload or query

	Extensions map[string]any `json:"-"` // more members, of other names than those above
	Header     http.Header    `json:"-"` // set on the answer, such as Retry-After or Allow
	Err        error          `json:"-"` // cause, for the log only
}

// NewProblem makes a problem with the status that belongs to code.
func NewProblem(code job.Code, detail string) *Problem {
	return &Problem{Code: code, Status: Status(code), Detail: detail}
}

// With adds a member and gives the problem back.
func (p *Problem) With(name string, value any) *Problem {
	if p.Extensions == nil {
		p.Extensions = map[string]any{}
	}
	p.Extensions[name] = value
	return p
}

// WithHeader sets a header of the answer and gives the problem back.
func (p *Problem) WithHeader(name, value string) *Problem {
	if p.Header == nil {
		p.Header = http.Header{}
	}
	p.Header.Set(name, value)
	return p
}

// Error gives code, detail and cause.
func (p *Problem) Error() string {
	return (&job.Error{Code: p.Code, Message: p.Detail, Err: p.Err}).Error()
}

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.Err }

// MarshalJSON implements [json.Marshaler]; the extensions follow the members
// that every problem has.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type members Problem
	text, err := marshal((*members)(p))
	if err != nil || len(p.Extensions) == 0 {
		return text, err
	}
	extensions, err := marshal(p.Extensions)
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), extensions[1:]...), nil
}

// marshal gives JSON without the escapes that JSON inside HTML needs.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// clone gives a copy whose headers may be changed.
func (p *Problem) clone() *Problem {
	c := *p
	c.Header = maps.Clone(p.Header)
	return &c
}
