package status

import (
	"encoding/json"
	"math"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// statusQueued is what a job without a record is called, as in the 202 that
// accepted it.
const statusQueued job.Status = "Accepted"

// statusBody is a job's status as JSON.
type statusBody struct {
	ID              job.ID       `json:"id"`
	Status          job.Status   `json:"status"`
	Operation       string       `json:"operation,omitempty"`
	PercentComplete float64      `json:"percentComplete"`
	Message         string       `json:"message,omitempty"`
	Attempt         int          `json:"attempt"`
	LastError       *failureBody `json:"lastError,omitempty"`
	NextAttemptAt   time.Time    `json:"nextAttemptAt,omitzero"`
	Error           *failureBody `json:"error,omitempty"`
	SubmittedAt     time.Time    `json:"submittedAt"`
	StartedAt       time.Time    `json:"startedAt,omitzero"`
	UpdatedAt       time.Time    `json:"updatedAt,omitzero"`
	FinishedAt      time.Time    `json:"finishedAt,omitzero"`
	StatusURL       string       `json:"statusUrl"`
	OperationURL    string       `json:"operationUrl"`
	ResultURL       string       `json:"resultUrl,omitempty"`
	RetryAfter      int          `json:"retryAfter,omitempty"` // seconds
}

// failureBody is a failure as Azure's clients know it. Detail is what a
// backend answered.
type failureBody struct {
	Code    job.Code        `json:"code"`
	Message string          `json:"message"`
	Detail  json.RawMessage `json:"detail,omitempty"`
}

func failureOf(f *job.Failure) *failureBody {
	if f == nil {
		return nil
	}
	body := failureBody(*f)
	return &body
}

// statusOf describes a job in any state. The link to a result is one to this
// service; a valet key would be handed out long before it is used.
func (s *Service) statusOf(r job.Record, v variant) statusBody {
	body := statusBody{
		ID:              r.ID,
		Status:          r.Status,
		Operation:       r.Operation,
		PercentComplete: percent(r),
		Message:         r.Progress,
		Attempt:         r.Attempt,
		LastError:       failureOf(r.LastError),
		NextAttemptAt:   r.NextAttemptAt,
		Error:           failureOf(r.Failure),
		SubmittedAt:     r.SubmittedAt,
		StartedAt:       r.StartedAt,
		UpdatedAt:       r.UpdatedAt,
		FinishedAt:      r.FinishedAt,
		StatusURL:       s.links.status(r.ID, v),
		OperationURL:    s.links.operation(r.ID, v),
	}
	switch {
	case r.Status == job.StatusSucceeded:
		body.ResultURL = s.links.result(r.ID, v)
	case !r.Status.Terminal():
		body.RetryAfter = s.retryAfter(r)
	}
	if r.Status == "" {
		body.Status = statusQueued
	}
	return body
}

// percent is rounded to what a progress bar can show.
func percent(r job.Record) float64 { return math.Round(r.Percent*100) / 100 }
