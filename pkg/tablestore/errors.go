package tablestore

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// translate turns an error of the SDK into one of the domain. It passes nil
// on, and the end of ctx; a time-out that is not ctx's is the service's.
func translate(ctx context.Context, action string, err error) error {
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
	cause := fmt.Errorf("answer %d %s of Table storage", response.StatusCode, response.ErrorCode)
	if code, ok := codeOf(response); ok {
		return &job.Error{Code: code, Message: action, Err: cause}
	}
	return fmt.Errorf("%s: %w", action, cause)
}

// codeOf gives the code for an answer that callers can do something about.
func codeOf(response *azcore.ResponseError) (job.Code, bool) {
	switch response.StatusCode {
	case http.StatusNotFound:
		return job.CodeNotFound, true
	case http.StatusPreconditionFailed:
		return job.CodeConflict, true
	case http.StatusConflict:
		if response.ErrorCode == string(aztables.TableBeingDeleted) {
			return job.CodeServerBusy, true
		}
		return job.CodeExists, true
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return job.CodeServerBusy, true
	default:
		return "", false
	}
}

func isNotFound(err error) bool {
	response, ok := errors.AsType[*azcore.ResponseError](err)
	return ok && response.StatusCode == http.StatusNotFound
}
