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
	ID              string       `json:"id"`
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

// json writes b as encoding/json would.
func (b *statusBody) json() []byte {
	o := newObject()
	o.text("id", b.ID)
	o.text("status", string(b.Status))
	o.textIfAny("operation", b.Operation)
	o.number("percentComplete", b.PercentComplete)
	o.textIfAny("message", b.Message)
	o.integer("attempt", b.Attempt)
	o.failureIfAny("lastError", b.LastError)
	o.timeIfAny("nextAttemptAt", b.NextAttemptAt)
	o.failureIfAny("error", b.Error)
	o.time("submittedAt", b.SubmittedAt)
	o.timeIfAny("startedAt", b.StartedAt)
	o.timeIfAny("updatedAt", b.UpdatedAt)
	o.timeIfAny("finishedAt", b.FinishedAt)
	o.text("statusUrl", b.StatusURL)
	o.text("operationUrl", b.OperationURL)
	o.textIfAny("resultUrl", b.ResultURL)
	if b.RetryAfter != 0 {
		o.integer("retryAfter", b.RetryAfter)
	}
	return o.end()
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
	id := r.ID.String()
	body := statusBody{
		ID:              id,
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
		StatusURL:       s.links.status(id, v),
		OperationURL:    s.links.operation(id, v),
	}
	switch {
	case r.Status == job.StatusSucceeded:
		body.ResultURL = s.links.result(id, v)
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
