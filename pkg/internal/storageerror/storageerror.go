// Package storageerror turns the errors of Azure Storage's SDKs into those of
// the domain, for the adapters of its services.
package storageerror

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Service is one of the services of a storage account.
type Service struct {
	Name string // as in "Blob"

	// Conflict gives what a 409 with an error code of the service means.
	Conflict func(errorCode string) job.Code
}

// Translate turns an error of the SDK, met in doing action, into one of the
// domain. It passes nil on, and the end of ctx; a time-out that is not ctx's
// is the service's. Of what callers can do nothing about there is no code.
func (s Service) Translate(ctx context.Context, action string, err error) error {
	if err == nil {
		return nil
	}
	response, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok && ctx.Err() != nil {
		return ctx.Err()
	}
	if !ok {
		return &job.Error{Code: job.CodeServerBusy, Message: action, Err: err}
	}
	cause := fmt.Errorf("answer %d %s of %s storage", response.StatusCode, response.ErrorCode, s.Name)
	if code, ok := s.code(response); ok {
		return &job.Error{Code: code, Message: action, Err: cause}
	}
	return fmt.Errorf("%s: %w", action, cause)
}

func (s Service) code(response *azcore.ResponseError) (job.Code, bool) {
	switch response.StatusCode {
	case http.StatusNotFound:
		return job.CodeNotFound, true
	case http.StatusPreconditionFailed:
		return job.CodeConflict, true
	case http.StatusConflict:
		return s.Conflict(response.ErrorCode), true
	case http.StatusRequestedRangeNotSatisfiable:
		return job.CodeInvalidRequest, true
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return job.CodeServerBusy, true
	default:
		return "", false
	}
}
