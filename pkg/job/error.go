package job

import "errors"

// Code is the stable, machine-readable name of what went wrong. It is the
// code member of a problem document, the x-ms-error-code header and the code
// of a failed job.
type Code string

// Codes of requests that are refused, and of jobs asked about.
const (
	CodeInvalidRequest       Code = "InvalidRequest"       // the request is malformed
	CodeInvalidID            Code = "InvalidRequestGuid"   // the id in the URL is not a UUID
	CodeInvalidPayload       Code = "InvalidPayload"       // the payload does not fit the operation's schema
	CodeInvalidParameter     Code = "InvalidParameter"     // a query parameter does not fit the operation
	CodeUnknownOperation     Code = "UnknownOperation"     // no operation of that name
	CodePayloadTooLarge      Code = "PayloadTooLarge"      // the payload is over the operation's limit
	CodeUnsupportedMediaType Code = "UnsupportedMediaType" // the operation does not take this content type
	CodeUnauthorized         Code = "Unauthorized"         // no or bad credentials
	CodeForbidden            Code = "Forbidden"            // the credentials do not allow it
	CodeNotFound             Code = "NotFound"             // no such job, or not the caller's
	CodeMethodNotAllowed     Code = "MethodNotAllowed"     // the resource does not take this method
	CodeRequestTimeout       Code = "RequestTimeout"       // the request's body came too slowly
	CodeGone                 Code = "Gone"                 // the job is past its retention
	CodeNotFinished          Code = "NotFinished"          // the result of a pending job was asked for
	CodeConflict             Code = "Conflict"             // the record changed since it was read
	CodeExists               Code = "AlreadyExists"        // the record exists
	CodeKeyReused            Code = "IdempotencyKeyReused" // the same key came with another payload
	CodeTooManyRequests      Code = "TooManyRequests"      // the caller is over its rate limit
	CodeServerBusy           Code = "ServerBusy"           // try again after Retry-After
	CodeInternal             Code = "InternalError"        // a fault of the service
)

// Codes that a failed job ends with.
const (
	CodeHandlerFailed         Code = "HandlerFailed"         // the handler gave a permanent error without a code
	CodeHandlerPanicked       Code = "HandlerPanicked"       // the handler panicked
	CodeAttemptsExhausted     Code = "AttemptsExhausted"     // every attempt ended with a retryable error
	CodeAttemptTimeout        Code = "AttemptTimeout"        // an attempt ran longer than its operation allows
	CodeDeadlineExceeded      Code = "DeadlineExceeded"      // the job's total deadline passed
	CodeExpired               Code = "Expired"               // the message waited longer than the queue timeout
	CodeDeliveryCountExceeded Code = "DeliveryCountExceeded" // workers died or gave the message up too often
	CodeDeadLettered          Code = "DeadLettered"          // dead-lettered for another reason
	CodeInvalidMessage        Code = "InvalidMessage"        // the queued message could not be understood
	CodePayloadMissing        Code = "PayloadMissing"        // the claim-checked payload is gone
	CodeCanceled              Code = "Canceled"              // canceled by its caller
)

// Error is the one error type of the domain. Adapters translate the errors of
// their SDK into it at their edge.
type Error struct {
	Code    Code
	Message string // for people; says what to do next where that can be known
	Err     error  // the cause, or nil
}

// Error gives code, message and cause.
func (e *Error) Error() string {
	text := string(e.Code)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error without message and cause that has
// the same code, so that errors.Is(err, job.ErrNotFound) asks for the code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == "" && t.Err == nil
}

// CodeOf gives the code of the first [Error] in err's chain, or [CodeInternal].
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// Errors that stores give, to be asked for with [errors.Is].
var (
	ErrNotFound error = &Error{Code: CodeNotFound} // no such record or blob
	ErrExists   error = &Error{Code: CodeExists}   // an insert found the record there
	ErrConflict error = &Error{Code: CodeConflict} // the version written against is not the stored one
	ErrTooLarge error = &Error{Code: CodePayloadTooLarge}
	ErrBusy     error = &Error{Code: CodeServerBusy} // throttled, or the service cannot be reached
)

// Causes with which a handler's context is canceled, to be asked for with
// [errors.Is] on [context.Cause].
var (
	ErrCanceled       = errors.New("job was canceled by its caller")
	ErrOvertaken      = errors.New("job was taken over by another worker")
	ErrLockLost       = errors.New("lock on the job's message was lost")
	ErrAttemptTimeout = errors.New("attempt took longer than its operation allows")
	ErrDeadline       = errors.New("job passed its deadline")
	ErrShutdown       = errors.New("worker is shutting down")
)
