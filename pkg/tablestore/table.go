package tablestore

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/job"
)

func partitionKey(id job.ID) string { return shardKey(id.Shard()) }

func shardKey(shard byte) string { return hex.EncodeToString([]byte{shard}) }

func (s *Store) table(day string) *aztables.Client { return s.client.NewClient(s.prefix + day) }

func (s *Store) createTable(ctx context.Context, day string) error {
	return createTable(ctx, s.client, s.prefix+day)
}

// createTable makes a table unless there is one.
func createTable(ctx context.Context, client *aztables.ServiceClient, name string) error {
	_, err := client.CreateTable(ctx, name, nil)
	if err = translate(ctx, "create table "+name, err); errors.Is(err, job.ErrExists) {
		return nil
	}
	return err
}

// Days gives the days that have a table, the oldest first, in the form of
// [job.ID.Day]. [job.ForeignDay] comes last when there is one.
func (s *Store) Days(ctx context.Context) ([]string, error) {
	filter := "TableName ge '" + s.prefix + "' and TableName lt '" + s.prefix + "~'"
	pager := s.client.NewListTablesPager(&aztables.ListTablesOptions{Filter: &filter})
	var days []string
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, translate(ctx, "list tables", err)
		}
		for _, table := range page.Tables {
			if day, ok := s.dayOf(*table.Name); ok {
				days = append(days, day)
			}
		}
	}
	slices.Sort(days)
	return days, nil
}

// dayOf tells the tables of this store from others with a similar name.
func (s *Store) dayOf(table string) (string, bool) {
	day, ok := strings.CutPrefix(table, s.prefix)
	if !ok {
		return "", false
	}
	if _, err := job.ParseDay(day); err != nil && day != job.ForeignDay {
		return "", false
	}
	return day, true
}

// DropDay deletes the records of all jobs of a day, given as [Store.Days] does.
// A day without a table is dropped already. Azure may take a minute until the
// day can be written to again; until then an insert gives [job.ErrBusy].
func (s *Store) DropDay(ctx context.Context, day string) error {
	_, err := s.client.DeleteTable(ctx, s.prefix+day, nil)
	if err = translate(ctx, "delete table "+s.prefix+day, err); errors.Is(err, job.ErrNotFound) {
		return nil
	}
	return err
}

// Ready reports whether records can be read: it asks for one that does not
// exist.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.table(job.ForeignDay).GetEntity(ctx, "ready", "ready", nil)
	if err = translate(ctx, "read from Table storage", err); errors.Is(err, job.ErrNotFound) {
		return nil
	}
	return err
}
