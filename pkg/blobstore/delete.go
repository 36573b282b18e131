package blobstore

import (
	"context"
	"errors"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// deletesInFlight is how many blobs of a prefix are deleted at a time.
const deletesInFlight = 8

// Delete deletes a blob. One that does not exist is deleted already.
func (c *Container) Delete(ctx context.Context, name string) error {
	_, err := c.delete(ctx, name)
	return err
}

func (c *Container) delete(ctx context.Context, name string) (deleted bool, err error) {
	_, err = c.client.NewBlobClient(name).Delete(ctx, nil)
	err = translate(ctx, "delete blob "+name, err)
	if errors.Is(err, job.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// DeletePrefix deletes all blobs whose names begin with prefix, page by page,
// and gives how many it deleted, also when it returns an error.
func (c *Container) DeletePrefix(ctx context.Context, prefix string) (n int, err error) {
	return c.deleteWhere(ctx, prefix, func(*container.BlobItem) bool { return true })
}

// deleteWhere deletes the blobs of a prefix for which matches is true.
func (c *Container) deleteWhere(ctx context.Context, prefix string, matches func(*container.BlobItem) bool) (n int, err error) {
	if prefix == "" {
		return 0, errors.New("delete blobs: the prefix is empty")
	}
	pager := c.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return n, translate(ctx, "list blobs "+prefix, err)
		}
		chosen := slices.DeleteFunc(page.Segment.BlobItems, func(blob *container.BlobItem) bool { return !matches(blob) })
		deleted, err := c.deleteAll(ctx, chosen)
		n += deleted
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *Container) deleteAll(ctx context.Context, blobs []*container.BlobItem) (int, error) {
	deleted := make([]bool, len(blobs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deletesInFlight)
	for i, blob := range blobs {
		group.Go(func() (err error) {
			deleted[i], err = c.delete(ctx, *blob.Name)
			return err
		})
	}
	err := group.Wait()
	n := 0
	for _, ok := range deleted {
		if ok {
			n++
		}
	}
	return n, err
}
