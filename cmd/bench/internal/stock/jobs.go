package stock

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// Job is what a row of a job tells.
type Job struct {
	RowKey    string
	Status    string
	StartedAt time.Time
}

// Jobs reads the rows of all jobs, by their ids.
func Jobs(ctx context.Context, connectionString string) (map[string]Job, error) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	tables, _, err := clients(connectionString, &http.Client{Transport: transport})
	if err != nil {
		return nil, err
	}
	jobs := map[string]Job{}
	for pager := tables.NewListTablesPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, table := range page.Tables {
			if !strings.HasPrefix(*table.Name, tablestore.DefaultTablePrefix) {
				continue
			}
			if err := readJobs(ctx, tables.NewClient(*table.Name), jobs); err != nil {
				return nil, err
			}
		}
	}
	return jobs, nil
}

func readJobs(ctx context.Context, table *aztables.Client, to map[string]Job) error {
	columns := "RowKey,Status,StartedAt"
	for pager := table.NewListEntitiesPager(&aztables.ListEntitiesOptions{Select: &columns}); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, entity := range page.Entities {
			var j Job
			if err := json.Unmarshal(entity, &j); err != nil {
				return err
			}
			to[j.RowKey] = j
		}
	}
	return nil
}
