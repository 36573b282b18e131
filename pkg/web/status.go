package web

import (
	"net/http"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// statuses is the one table from codes to HTTP statuses.
var statuses = map[job.Code]int{
	job.CodeInvalidRequest:       http.StatusBadRequest,
	job.CodeInvalidID:            http.StatusBadRequest,
	job.CodeInvalidPayload:       http.StatusBadRequest,
	job.CodeInvalidParameter:     http.StatusBadRequest,
	job.CodeUnauthorized:         http.StatusUnauthorized,
	job.CodeForbidden:            http.StatusForbidden,
	job.CodeUnknownOperation:     http.StatusNotFound,
	job.CodeNotFound:             http.StatusNotFound,
	job.CodeMethodNotAllowed:     http.StatusMethodNotAllowed,
	job.CodeRequestTimeout:       http.StatusRequestTimeout,
	job.CodeNotFinished:          http.StatusConflict,
	job.CodeConflict:             http.StatusConflict,
	job.CodeExists:               http.StatusConflict,
	job.CodeCanceled:             http.StatusConflict,
	job.CodeGone:                 http.StatusGone,
	job.CodePayloadTooLarge:      http.StatusRequestEntityTooLarge,
	job.CodeUnsupportedMediaType: http.StatusUnsupportedMediaType,
	job.CodeKeyReused:            http.StatusUnprocessableEntity,
	job.CodeTooManyRequests:      http.StatusTooManyRequests,
	job.CodeInternal:             http.StatusInternalServerError,
	job.CodeServerBusy:           http.StatusServiceUnavailable,

	job.CodeHandlerFailed:         http.StatusUnprocessableEntity,
	job.CodeHandlerPanicked:       http.StatusUnprocessableEntity,
	job.CodeAttemptsExhausted:     http.StatusUnprocessableEntity,
	job.CodeAttemptTimeout:        http.StatusUnprocessableEntity,
	job.CodeDeadlineExceeded:      http.StatusUnprocessableEntity,
	job.CodeExpired:               http.StatusUnprocessableEntity,
	job.CodeDeliveryCountExceeded: http.StatusUnprocessableEntity,
	job.CodeDeadLettered:          http.StatusUnprocessableEntity,
	job.CodeInvalidMessage:        http.StatusUnprocessableEntity,
	job.CodePayloadMissing:        http.StatusUnprocessableEntity,
}

// Status gives the HTTP status of a request that is refused with code, 500
// for a code that is not known. For a job that failed ask [FailureStatus].
func Status(code job.Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// FailureStatus gives the HTTP status of the answer about a job that ended
// with code: 409 for a canceled one, 422 for any other, whatever the handler
// called it. It is never 408, 429 or a 5xx, which Azure's pollers take for
// "keep polling".
func FailureStatus(code job.Code) int {
	if code == job.CodeCanceled {
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}

// codeOf gives the code for a status that Echo or net/http refused with.
func codeOf(status int) job.Code {
	switch status {
	case http.StatusUnauthorized:
		return job.CodeUnauthorized
	case http.StatusForbidden:
		return job.CodeForbidden
	case http.StatusNotFound:
		return job.CodeNotFound
	case http.StatusMethodNotAllowed:
		return job.CodeMethodNotAllowed
	case http.StatusRequestTimeout:
		return job.CodeRequestTimeout
	case http.StatusRequestEntityTooLarge:
		return job.CodePayloadTooLarge
	case http.StatusUnsupportedMediaType:
		return job.CodeUnsupportedMediaType
	case http.StatusTooManyRequests:
		return job.CodeTooManyRequests
	case http.StatusServiceUnavailable:
		return job.CodeServerBusy
	}
	if status >= 500 {
		return job.CodeInternal
	}
	return job.CodeInvalidRequest
}
