package blobstore

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/asyncreply/asyncreply/pkg/internal/storageerror"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// translate turns an error of the SDK into one of the domain.
func translate(ctx context.Context, action string, err error) error {
	return storageerror.Service{Name: "Blob", Conflict: conflict}.Translate(ctx, action, err)
}

func conflict(errorCode string) job.Code {
	switch bloberror.Code(errorCode) {
	case bloberror.BlobAlreadyExists, bloberror.ContainerAlreadyExists, bloberror.ResourceAlreadyExists:
		return job.CodeExists
	default: // a container being deleted, a lease, …
		return job.CodeServerBusy
	}
}

// metadata looks up a key of a blob's metadata, whose case HTTP does not keep.
func metadata(m map[string]*string, key string) string {
	for k, v := range m {
		if strings.EqualFold(k, key) && v != nil {
			return *v
		}
	}
	return ""
}
