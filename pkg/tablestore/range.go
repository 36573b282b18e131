package tablestore

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Range reads the records between two ids of one shard and one day, both
// included, in the order of their ids. Jobs without a record are left out. It
// serves to look up a batch of messages in one read.
func (s *Store) Range(ctx context.Context, from, to job.ID) ([]job.Record, error) {
	if from.Shard() != to.Shard() || from.Day() != to.Day() {
		return nil, fmt.Errorf("range from job %s to %s: they lie in different partitions", from, to)
	}
	filter := fmt.Sprintf("PartitionKey eq '%s' and RowKey ge '%s' and RowKey le '%s'", partitionKey(from), from, to)
	format := aztables.MetadataFormatFull // only this one is sure to give ETags
	pager := s.table(from.Day()).NewListEntitiesPager(&aztables.ListEntitiesOptions{Filter: &filter, Format: &format})
	var records []job.Record
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err = translate(ctx, "read jobs", err); errors.Is(err, job.ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		for _, entity := range page.Entities {
			r, _, err := decode(entity)
			if err != nil {
				return nil, err
			}
			records = append(records, r)
		}
	}
	return records, nil
}
