package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Problem is an error that a service answered with (RFC 9457), or how a job
// ended that did not succeed.
type Problem struct {
	Type        string      `json:"type"`
	Title       string      `json:"title"`
	Status      int         `json:"status"` // of HTTP
	Detail      string      `json:"detail,omitempty"`
	Instance    string      `json:"instance,omitempty"`
	Code        job.Code    `json:"code"` // stable; "" if a proxy answered
	RequestGUID string      `json:"requestGuid,omitempty"`
	RequestID   string      `json:"requestId,omitempty"` // to be quoted to those who run the service
	Errors      []Violation `json:"errors,omitempty"`    // what is wrong with payload or parameters

	// Ended is [job.StatusFailed] or [job.StatusCanceled] if the problem is how
	// a job ended, and "" if a request was refused.
	Ended       job.Status   `json:"ended,omitempty"`
	Failure     *job.Failure `json:"error,omitempty"` // of a job that ended
	Attempt     int          `json:"attempt,omitempty"`
	SubmittedAt time.Time    `json:"submittedAt,omitzero"`
	FinishedAt  time.Time    `json:"finishedAt,omitzero"`

	RetryAfter time.Duration `json:"-"` // advised by the answer, or 0
}

// Violation is one thing that is wrong with a payload or with a parameter.
type Violation struct {
	Pointer string `json:"pointer,omitempty"` // into the payload (RFC 6901)
	Name    string `json:"name,omitempty"`    // of the parameter
	Detail  string `json:"detail"`
}

// Error says what happened and, of a refusal, what is wrong with what.
func (p *Problem) Error() string {
	var b strings.Builder
	switch p.Ended {
	case job.StatusFailed:
		b.WriteString("the job failed: ")
	case job.StatusCanceled:
		b.WriteString("the job was canceled: ")
	}
	if p.Code != "" {
		fmt.Fprintf(&b, "%s: ", p.Code)
	}
	b.WriteString(cmp.Or(p.Detail, p.Title, http.StatusText(p.Status)))
	if p.Ended == "" {
		fmt.Fprintf(&b, " (HTTP %d)", p.Status)
	}
	for _, v := range p.Errors {
		fmt.Fprintf(&b, "; %s %s", cmp.Or(v.Pointer, v.Name, "the payload"), v.Detail)
	}
	return b.String()
}

// Unwrap gives the problem as an error of package job, so that errors.Is and
// [job.CodeOf] ask for its code.
func (p *Problem) Unwrap() error { return &job.Error{Code: p.Code, Message: p.Detail} }

// IsFailed reports whether err is that a job failed.
func IsFailed(err error) bool { return ended(err) == job.StatusFailed }

// IsCanceled reports whether err is that a job was canceled, by whomever.
func IsCanceled(err error) bool { return ended(err) == job.StatusCanceled }

func ended(err error) job.Status {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Ended
	}
	return ""
}

// IsNotFinished reports whether err is that the result of a job was asked for
// that has not ended yet.
func IsNotFinished(err error) bool { return hasCode(err, job.CodeNotFinished) }

// IsUnknown reports whether err is that there is no such job, or none of this
// caller, or that nothing is known of it any more.
func IsUnknown(err error) bool { return hasCode(err, job.CodeNotFound) || hasCode(err, job.CodeGone) }

func hasCode(err error, code job.Code) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Ended == "" && p.Code == code
}

// problemOf reads an answer that is an error and closes its body.
func problemOf(r *http.Response) *Problem {
	defer r.Body.Close()
	p := &Problem{}
	text, err := io.ReadAll(r.Body)
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/problem+json" || json.Unmarshal(text, p) != nil {
		p = &Problem{Type: "about:blank", Title: http.StatusText(r.StatusCode)}
	}
	p.Status = r.StatusCode
	p.Ended = ""
	p.Code = cmp.Or(p.Code, job.Code(r.Header.Get("x-ms-error-code")))
	p.RequestID = cmp.Or(p.RequestID, r.Header.Get("x-ms-request-id"))
	p.RetryAfter, _ = retryAfter(r)
	return p
}
