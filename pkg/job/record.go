package job

import (
	"encoding/json"
	"fmt"
	"time"
)

// Status is the state of a job that has a record.
type Status string

// The states. A job without a record is queued, or never was.
const (
	StatusRunning   Status = "Running"
	StatusSucceeded Status = "Succeeded"
	StatusFailed    Status = "Failed"
	StatusCanceled  Status = "Canceled"
)

// Terminal reports whether the state never changes again.
func (s Status) Terminal() bool {
	return s == StatusSucceeded || s == StatusFailed || s == StatusCanceled
}

// Result says where the result of a succeeded job lies and what it is.
type Result struct {
	Blob        string // name in the results container
	Size        int64  // bytes
	ContentType string
	SHA256      string // hexadecimal digest of the content
	FileName    string // suggested to those who download it, or ""
}

// Failure says why a job, or one attempt at it, failed.
type Failure struct {
	Code    Code            `json:"code"`
	Message string          `json:"message"`
	Detail  json.RawMessage `json:"detail,omitempty"` // what a backend answered, as JSON
}

// Record is what is known of a job: one row of the jobs table. Its methods
// give the record that follows in the state machine; they change nothing.
type Record struct {
	ID          ID
	Operation   string
	Owner       string
	Status      Status
	SubmittedAt time.Time
	StartedAt   time.Time // of the first attempt
	UpdatedAt   time.Time // of the last write: a running job's heartbeat
	FinishedAt  time.Time // zero until terminal

	Attempt        int       // starts so far, take-overs after a crash included
	FailedAttempts int       // attempts that ended with a retryable error
	NextAttemptAt  time.Time // when the next try is due, while waiting for one
	LastError      *Failure  // of the last attempt that failed

	RedrivenAt   time.Time // when an operator put the job back last, or zero; its deadline counts from then
	FailedBefore int       // FailedAttempts at that moment; the operation's attempts count from there

	Percent  float64 // progress, 0 to 100
	Progress string  // what the handler said last

	Result  *Result  // of a succeeded job
	Failure *Failure // of a failed or canceled job

	Version string // the store's tag of this version (ETag); "" before the insert
}

// Claim gives the first record of a job whose first attempt starts now.
func Claim(m *Message, now time.Time) Record {
	r := queued(m, now)
	r.Status, r.Attempt, r.StartedAt = StatusRunning, 1, now
	return r
}

// queued is the record that a job would have had while it waited.
func queued(m *Message, now time.Time) Record {
	submitted := m.SubmittedAt
	if submitted.IsZero() {
		submitted = now
	}
	return Record{ID: m.ID, Operation: m.Operation, Owner: m.Owner, SubmittedAt: submitted, UpdatedAt: now}
}

// FailQueued gives the record of a job that fails before any attempt.
func FailQueued(m *Message, f Failure, now time.Time) Record {
	r := queued(m, now)
	r.Status, r.Failure, r.FinishedAt = StatusFailed, &f, now
	return r
}

// CancelQueued gives the record of a job that is canceled before any attempt.
// Nothing but its id and owner is known then.
func CancelQueued(id ID, owner string, now time.Time) Record {
	r := Record{ID: id, Owner: owner, SubmittedAt: id.Time(), UpdatedAt: now}
	r.Status, r.Failure, r.FinishedAt = StatusCanceled, canceled(), now
	return r
}

func canceled() *Failure {
	return &Failure{Code: CodeCanceled, Message: "The job was canceled by its caller."}
}

// TakeOver gives the record of a new attempt: after a crash of the worker
// before, or when a retry falls due.
func (r Record) TakeOver(now time.Time) (Record, error) {
	if err := r.leave("taken over"); err != nil {
		return Record{}, err
	}
	r.Attempt++
	r.UpdatedAt, r.NextAttemptAt = now, time.Time{}
	r.Percent, r.Progress = 0, ""
	if r.StartedAt.IsZero() {
		r.StartedAt = now
	}
	return r, nil
}

// Heartbeat gives the record of a running job with its progress.
func (r Record) Heartbeat(percent float64, message string, now time.Time) (Record, error) {
	if err := r.leave("reported on"); err != nil {
		return Record{}, err
	}
	r.Percent, r.Progress, r.UpdatedAt = percent, message, now
	return r, nil
}

// Retry gives the record of a job whose attempt failed and that is to be
// tried again at next.
func (r Record) Retry(f Failure, next, now time.Time) (Record, error) {
	if err := r.leave("retried"); err != nil {
		return Record{}, err
	}
	r.FailedAttempts++
	r.LastError, r.NextAttemptAt, r.UpdatedAt = &f, next, now
	return r, nil
}

// Succeed gives the record of a job with its result.
func (r Record) Succeed(result Result, now time.Time) (Record, error) {
	if err := r.leave("succeeded"); err != nil {
		return Record{}, err
	}
	r.Result, r.Percent = &result, 100
	return r.end(StatusSucceeded, now), nil
}

// Fail gives the record of a job that has failed for good.
func (r Record) Fail(f Failure, now time.Time) (Record, error) {
	if err := r.leave("failed"); err != nil {
		return Record{}, err
	}
	r.Failure = &f
	return r.end(StatusFailed, now), nil
}

// Cancel gives the record of a job that its caller canceled.
func (r Record) Cancel(now time.Time) (Record, error) {
	if err := r.leave("canceled"); err != nil {
		return Record{}, err
	}
	r.Failure = canceled()
	return r.end(StatusCanceled, now), nil
}

// Redrive gives the record of a dead-lettered job that an operator puts back to
// be tried again, by a message whose attempt is one above the FailedAttempts of
// the record. It is the one way out of a terminal state, and only out of
// [StatusFailed]. spent is the attempt of the dead-lettered message.
func (r Record) Redrive(spent int, now time.Time) (Record, error) {
	if r.Status.Terminal() && r.Status != StatusFailed {
		return Record{}, r.leave("redriven")
	}
	if r.Failure != nil {
		r.LastError = r.Failure
	}
	r.Status, r.Failure, r.FinishedAt = StatusRunning, nil, time.Time{}
	r.Percent, r.Progress = 0, ""
	r.FailedAttempts = max(r.FailedAttempts, spent)
	r.FailedBefore, r.RedrivenAt = r.FailedAttempts, now
	r.NextAttemptAt, r.UpdatedAt = now, now
	return r, nil
}

func (r Record) end(s Status, now time.Time) Record {
	r.Status, r.UpdatedAt, r.FinishedAt, r.NextAttemptAt = s, now, now, time.Time{}
	return r
}

// leave refuses to leave a terminal state.
func (r Record) leave(verb string) error {
	if r.Status.Terminal() {
		return &Error{Code: CodeConflict, Message: fmt.Sprintf("job %s is %s and cannot be %s", r.ID, r.Status, verb)}
	}
	return nil
}
