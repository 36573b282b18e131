package tablestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// dropsInFlight is how many expired reservations are deleted at a time.
const dropsInFlight = 8

// DropForeign deletes the records of [job.ForeignDay] that were written last
// before the given time, and gives how many it deleted, also when it returns an
// error: ids without a time share a table that is never dropped whole.
func (s *Store) DropForeign(ctx context.Context, before time.Time) (int, error) {
	return dropEntities(ctx, s.table(job.ForeignDay), earlier("UpdatedAt", before), "jobs of other programs")
}

// DropExpired deletes the reservations that expired before the given time, page
// by page, and gives how many it deleted, also when it returns an error. One
// that is written meanwhile stays.
func (s *Reservations) DropExpired(ctx context.Context, before time.Time) (int, error) {
	return dropEntities(ctx, s.table(), earlier("ExpiresAt", before), "idempotency keys")
}

// earlier is a filter on a property that holds a time.
func earlier(property string, than time.Time) string {
	return fmt.Sprintf("%s lt datetime'%s'", property, than.UTC().Format(time.RFC3339))
}

// dropEntities deletes the entities of a table that a filter is true for,
// unless they change before.
func dropEntities(ctx context.Context, table *aztables.Client, filter, what string) (int, error) {
	format := aztables.MetadataFormatFull // only this one is sure to give ETags
	selected := "PartitionKey,RowKey"
	pager := table.NewListEntitiesPager(&aztables.ListEntitiesOptions{Filter: &filter, Select: &selected, Format: &format})
	var dropped atomic.Int64
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err = translate(ctx, "list "+what, err); errors.Is(err, job.ErrNotFound) {
			break // there is no such table
		} else if err != nil {
			return int(dropped.Load()), err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(dropsInFlight)
		for _, entity := range page.Entities {
			group.Go(func() error { return dropEntity(ctx, table, entity, what, &dropped) })
		}
		if err := group.Wait(); err != nil {
			return int(dropped.Load()), err
		}
	}
	return int(dropped.Load()), nil
}

func dropEntity(ctx context.Context, table *aztables.Client, entity []byte, what string, dropped *atomic.Int64) error {
	var e struct {
		PartitionKey, RowKey string
		ETag                 azcore.ETag `json:"odata.etag"`
	}
	if err := json.Unmarshal(entity, &e); err != nil || e.ETag == "" {
		return fmt.Errorf("drop %s: an entity without an ETag: %w", what, err)
	}
	_, err := table.DeleteEntity(ctx, e.PartitionKey, e.RowKey, &aztables.DeleteEntityOptions{IfMatch: &e.ETag})
	err = translate(ctx, "drop "+what, err)
	switch {
	case errors.Is(err, job.ErrConflict):
		return nil
	case err == nil, errors.Is(err, job.ErrNotFound): // gone by us: the reply of the first try may be lost
		dropped.Add(1)
		return nil
	}
	return err
}
