package tablestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Estimates keeps what workers report of how long jobs take, in one table
// {prefix}estimates beside those of the days. All reports lie in one partition,
// a row for each worker, so that one read gives them all. What a report says is
// not for this package to know. It is safe for concurrent use.
type Estimates struct {
	client *aztables.ServiceClient
	name   string
}

// NewEstimates makes a store on the account of client. It makes no request.
func NewEstimates(client *aztables.ServiceClient, opts *Options) *Estimates {
	return &Estimates{client: client, name: New(client, opts).prefix + "estimates"}
}

const estimatesPartition = "worker"

// estimate is a report as an entity.
type estimate struct {
	PartitionKey string
	RowKey       string

	UpdatedAtType string     `json:"UpdatedAt@odata.type,omitempty"`
	UpdatedAt     *time.Time `json:",omitempty"`
	Report        string
}

func (s *Estimates) table() *aztables.Client { return s.client.NewClient(s.name) }

// Put writes the report of that name, over the one before. A report takes at
// most 32,000 bytes.
func (s *Estimates) Put(ctx context.Context, name string, report []byte, at time.Time) error {
	if len(report) > maxText {
		return fmt.Errorf("write estimates: a report of %d bytes", len(report))
	}
	e := estimate{PartitionKey: estimatesPartition, RowKey: name, Report: string(report)}
	e.UpdatedAtType, e.UpdatedAt = encodeTime(at)
	entity, err := json.Marshal(&e)
	if err != nil {
		return err
	}
	replace := &aztables.UpsertEntityOptions{UpdateMode: aztables.UpdateModeReplace}
	_, err = s.table().UpsertEntity(ctx, entity, replace)
	if isNotFound(err) {
		if err := createTable(ctx, s.client, s.name); err != nil {
			return err
		}
		_, err = s.table().UpsertEntity(ctx, entity, replace)
	}
	return translate(ctx, "write estimates", err)
}

// Since gives the reports that were written at that time or later.
func (s *Estimates) Since(ctx context.Context, at time.Time) ([][]byte, error) {
	filter := fmt.Sprintf("PartitionKey eq '%s' and UpdatedAt ge datetime'%s'", estimatesPartition, at.UTC().Format(time.RFC3339))
	selected, format := "Report", aztables.MetadataFormatNone
	pager := s.table().NewListEntitiesPager(&aztables.ListEntitiesOptions{Filter: &filter, Select: &selected, Format: &format})
	var reports [][]byte
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err = translate(ctx, "read estimates", err); errors.Is(err, job.ErrNotFound) {
			return nil, nil // there is no such table
		} else if err != nil {
			return nil, err
		}
		for _, entity := range page.Entities {
			var e estimate
			if err := json.Unmarshal(entity, &e); err != nil {
				return nil, fmt.Errorf("decode estimates: %w", err)
			}
			reports = append(reports, []byte(e.Report))
		}
	}
	return reports, nil
}

// DropBefore deletes the reports that were written last before the given time
// and gives how many it deleted, also when it returns an error.
func (s *Estimates) DropBefore(ctx context.Context, at time.Time) (int, error) {
	return dropEntities(ctx, s.table(), earlier("UpdatedAt", at), "estimates")
}
