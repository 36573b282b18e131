package client

import (
	"errors"
	"net/http"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Accepted is the state of a job that waits in its queue.
const Accepted job.Status = "Accepted"

// Status is how a job stands. Of a job that has ended, the services tell how
// and when; what was known before is kept.
type Status struct {
	ID              job.ID       `json:"id"`
	State           job.Status   `json:"status"` // [Accepted], or as in package job
	Operation       string       `json:"operation,omitempty"`
	PercentComplete float64      `json:"percentComplete"`
	Message         string       `json:"message,omitempty"` // what the worker said last
	Attempt         int          `json:"attempt,omitempty"`
	LastError       *job.Failure `json:"lastError,omitempty"` // of the last attempt that failed
	NextAttemptAt   time.Time    `json:"nextAttemptAt,omitzero"`
	Failure         *job.Failure `json:"error,omitempty"` // of a failed or canceled job
	SubmittedAt     time.Time    `json:"submittedAt,omitzero"`
	StartedAt       time.Time    `json:"startedAt,omitzero"`
	UpdatedAt       time.Time    `json:"updatedAt,omitzero"`
	FinishedAt      time.Time    `json:"finishedAt,omitzero"`
	StatusURL       string       `json:"statusUrl,omitempty"`

	Link *Link `json:"result,omitempty"` // of a job that succeeded

	problem *Problem
}

// Terminal reports whether the job has ended.
func (s *Status) Terminal() bool { return s.State.Terminal() }

// Err gives how the job failed, a [*Problem], or nil.
func (s *Status) Err() error {
	if s.problem == nil {
		return nil
	}
	return s.problem
}

// asProblem gives the problem that the service answers polls with about a job
// that ended so, or nil.
func (s *Status) asProblem() *Problem {
	f, code := s.Failure, http.StatusUnprocessableEntity
	switch {
	case f == nil || !s.Terminal():
		return nil
	case s.State == job.StatusCanceled:
		code = http.StatusConflict
	}
	return &Problem{
		Type: "about:blank", Title: http.StatusText(code), Status: code, Code: f.Code, Detail: f.Message, RequestGUID: s.ID.String(),
		Ended: s.State, Failure: f, Attempt: s.Attempt, SubmittedAt: s.SubmittedAt, FinishedAt: s.FinishedAt,
	}
}

// succeeded gives the status of a job that was in s before.
func (s Status) succeeded(l *Link) *Status {
	s.State, s.PercentComplete, s.Link = job.StatusSucceeded, 100, l
	s.NextAttemptAt = time.Time{}
	return &s
}

// failed gives the status of a job that was in s before.
func (s Status) failed(p *Problem) *Status {
	s.State, s.Failure, s.problem = p.Ended, p.Failure, p
	s.Attempt, s.SubmittedAt, s.FinishedAt = max(s.Attempt, p.Attempt), p.SubmittedAt, p.FinishedAt
	s.NextAttemptAt = time.Time{}
	return &s
}

// Link is where a result is and what it is.
type Link struct {
	URL         string            `json:"-"` // works for everybody who has it, until ExpiresAt
	ExpiresAt   time.Time         `json:"-"`
	Size        int64             `json:"size"` // bytes
	ContentType string            `json:"type"`
	FileName    string            `json:"fileName,omitempty"` // suggested to those who save it
	Digest      map[string]string `json:"digest,omitempty"`   // hexadecimal, by the names of RFC 9530
}

// SHA256 gives the digest of the result in hexadecimal, or "".
func (l *Link) SHA256() string { return l.Digest["sha-256"] }

// linkAnswer is onComplete=json.
type linkAnswer struct {
	Link
	State     job.Status `json:"status"`
	ResultURL string     `json:"resultUrl"`
	ExpiresAt time.Time  `json:"expiresAt"`
}

// decodeLink reads where the result is from an answer.
func decodeLink(r *http.Response) (*Link, error) {
	var a linkAnswer
	if err := decode(r, &a); err != nil {
		return nil, err
	}
	if a.State != job.StatusSucceeded || a.ResultURL == "" {
		return nil, errors.New("client: the service's answer is not what was expected: it has no resultUrl")
	}
	l := a.Link
	l.URL, l.ExpiresAt = a.ResultURL, a.ExpiresAt
	return &l, nil
}
