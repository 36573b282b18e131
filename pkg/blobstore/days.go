package blobstore

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Days gives the days that have blobs, the oldest first, in the form of
// [job.ID.Day]. [job.ForeignDay] comes last when there is one.
func (c *Container) Days(ctx context.Context) ([]string, error) {
	var days []string
	for pager := c.client.NewListBlobsHierarchyPager("/", nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, translate(ctx, "list days", err)
		}
		for _, prefix := range page.Segment.BlobPrefixes {
			day := strings.TrimSuffix(*prefix.Name, "/")
			if _, err := job.ParseDay(day); err == nil || day == job.ForeignDay {
				days = append(days, day)
			}
		}
	}
	slices.Sort(days)
	return days, nil
}

// DeleteOlder deletes the blobs whose names begin with prefix that were written
// before the given time, page by page, and gives how many it deleted, also when
// it returns an error.
func (c *Container) DeleteOlder(ctx context.Context, prefix string, before time.Time) (n int, err error) {
	return c.deleteWhere(ctx, prefix, func(blob *container.BlobItem) bool {
		return blob.Properties != nil && blob.Properties.LastModified != nil && blob.Properties.LastModified.Before(before)
	})
}
