package tablestore

import (
	"context"
	"errors"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/internal/storageerror"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// translate turns an error of the SDK into one of the domain.
func translate(ctx context.Context, action string, err error) error {
	return storageerror.Service{Name: "Table", Conflict: conflict}.Translate(ctx, action, err)
}

func conflict(errorCode string) job.Code {
	if errorCode == string(aztables.TableBeingDeleted) {
		return job.CodeServerBusy
	}
	return job.CodeExists
}

func isNotFound(err error) bool {
	response, ok := errors.AsType[*azcore.ResponseError](err)
	return ok && response.StatusCode == http.StatusNotFound
}
