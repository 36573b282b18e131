package tablestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/internal/gather"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// closeTogether is how far apart in time the ids of one query may lie: the
// service looks through all that was issued between them.
const closeTogether = time.Second

// maxNamed is how many ids a query names one by one, if they are not very close
// together. Azure takes 15 comparisons, of which the partition and the range take
// three. Other queries give all that lies between, and a little beyond.
const maxNamed = 12

// lookup is a question for the records of some jobs of one partition.
type lookup struct {
	ctx    context.Context
	ids    []job.ID
	answer chan lookedUp // takes one
}

// lookedUp is what a lookup found.
type lookedUp struct {
	records map[job.ID]job.Record
	err     error
}

func (s *Store) newLookups(patience time.Duration) *gather.Group[partition, *lookup] {
	return gather.New[partition](gather.Options[*lookup]{Do: s.doLookups, Patience: patience})
}

// Lookup reads the records of some jobs of one shard and one day, in the order
// of the ids. Jobs without a record are left out. Jobs that were issued close
// together are read in one request, and so are those of lookups that meet: a
// lookup goes at once unless another one of its partition is under way; then it
// goes with those that come meanwhile.
func (s *Store) Lookup(ctx context.Context, ids []job.ID) ([]job.Record, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	place := partitionOf(ids[0])
	for _, id := range ids {
		if partitionOf(id) != place {
			return nil, fmt.Errorf("look up jobs %s and %s: they lie in different partitions", ids[0], id)
		}
	}
	l := &lookup{ctx: ctx, ids: ids, answer: make(chan lookedUp, 1)}
	s.lookups.Add(place, l)
	select {
	case found := <-l.answer:
		return found.of(ids), found.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// of gives the records of some ids.
func (l *lookedUp) of(ids []job.ID) []job.Record {
	var records []job.Record
	for _, id := range ids {
		if r, ok := l.records[id]; ok {
			records = append(records, r)
		}
	}
	return records
}

// doLookups answers some lookups of one partition.
func (s *Store) doLookups(lookups []*lookup) {
	var ids []job.ID
	var contexts []context.Context
	for _, l := range lookups {
		if l.ctx.Err() == nil {
			ids = append(ids, l.ids...)
			contexts = append(contexts, l.ctx)
		}
	}
	if len(ids) == 0 {
		return
	}
	ctx, cancel := together(contexts)
	defer cancel()
	records, err := s.find(ctx, ids)
	for _, l := range lookups {
		l.answer <- lookedUp{records, err}
	}
}

// find reads the records of jobs of one partition, in as many requests as lie
// close together.
func (s *Store) find(ctx context.Context, ids []job.ID) (map[job.ID]job.Record, error) {
	slices.SortFunc(ids, compare)
	found := make(map[job.ID]job.Record, len(ids))
	for _, near := range nearIDs(slices.Compact(ids)) {
		records, err := s.query(ctx, near)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			found[r.ID] = r
		}
	}
	return found, nil
}

// nearIDs parts ids, which are sorted, into those that lie close together. The
// ids of other programs tell no time.
func nearIDs(ids []job.ID) (all [][]job.ID) {
	first := 0
	for i := 1; i <= len(ids); i++ {
		if i == len(ids) || ids[0].Day() == job.ForeignDay || ids[i].Time().Sub(ids[first].Time()) > closeTogether {
			all = append(all, ids[first:i])
			first = i
		}
	}
	return all
}

func compare(a, b job.ID) int { return bytes.Compare(a[:], b[:]) }

// query reads the records of ids that are sorted and lie close together.
func (s *Store) query(ctx context.Context, ids []job.ID) ([]job.Record, error) {
	if len(ids) == 1 {
		r, err := s.Get(ctx, ids[0])
		if errors.Is(err, job.ErrNotFound) {
			return nil, nil
		}
		return []job.Record{r}, err
	}
	place, from, to := partitionOf(ids[0]), ids[0].Time(), ids[len(ids)-1].Time()
	if len(ids) <= maxNamed && to.Sub(from) > lookAhead {
		return s.list(ctx, place, rangeFilter(place, from, to)+" and "+named(ids))
	}
	to = to.Add(lookAhead)
	began := time.Now()
	records, err := s.list(ctx, place, rangeFilter(place, from, to))
	if err != nil {
		return nil, err
	}
	present := make(map[job.ID]bool, len(records))
	for _, r := range records {
		present[r.ID] = true
	}
	s.views.put(place, view{at: began, from: from, to: to, present: present})
	return records, nil
}

// list reads the records of a partition that a filter lets through.
func (s *Store) list(ctx context.Context, place partition, filter string) ([]job.Record, error) {
	format := aztables.MetadataFormatFull // only this one is sure to give ETags
	pager := s.table(place.day).NewListEntitiesPager(&aztables.ListEntitiesOptions{Filter: &filter, Format: &format})
	var records []job.Record
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err = translate(ctx, "look up jobs", err); errors.Is(err, job.ErrNotFound) {
			return nil, nil // the day has no table
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

// named asks for some ids only.
func named(ids []job.ID) string {
	equal := make([]string, len(ids))
	for i, id := range ids {
		equal[i] = "RowKey eq '" + id.String() + "'"
	}
	return "(" + strings.Join(equal, " or ") + ")"
}
