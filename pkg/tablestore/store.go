package tablestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/internal/gather"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// DefaultTablePrefix is what the names of tables begin with unless
// [Options.TablePrefix] says otherwise.
const DefaultTablePrefix = "jobs"

// Options configure a [Store]. The zero value is usable.
type Options struct {
	// TablePrefix is what the names of tables begin with; a day follows. It
	// begins with a letter and has letters and digits only.
	TablePrefix string
}

// Store keeps job records. It is safe for concurrent use.
type Store struct {
	client *aztables.ServiceClient
	prefix string
	writer [16]byte // tells this process's writes from another's

	writes  *gather.Group[partition, *write]
	lookups *gather.Group[partition, *lookup]
	views   views
}

// New makes a store on the account of client. It makes no request.
func New(client *aztables.ServiceClient, opts *Options) *Store {
	s := &Store{client: client, prefix: DefaultTablePrefix}
	if opts != nil && opts.TablePrefix != "" {
		s.prefix = opts.TablePrefix
	}
	rand.Read(s.writer[:]) // never fails, see crypto/rand
	s.writes, s.lookups = s.newWrites(gather.DefaultPatience), s.newLookups(gather.DefaultPatience)
	return s
}

// Get reads the record of a job. A job without a record gives
// [job.ErrNotFound].
func (s *Store) Get(ctx context.Context, id job.ID) (job.Record, error) {
	r, _, err := s.read(ctx, id)
	return r, err
}

func (s *Store) read(ctx context.Context, id job.ID) (job.Record, string, error) {
	response, err := s.table(id.Day()).GetEntity(ctx, partitionKey(id), id.String(), nil)
	if err != nil {
		return job.Record{}, "", translate(ctx, "read job "+id.String(), err)
	}
	r, writeID, err := decode(response.Value)
	r.Version = string(response.ETag)
	return r, writeID, err
}

// Insert writes the first record of a job and sets its Version. It gives
// [job.ErrExists] when the job has a record already.
func (s *Store) Insert(ctx context.Context, r *job.Record) error {
	entity, writeID, err := s.encode(r, "")
	if err != nil {
		return err
	}
	version, err := s.write(ctx, r.ID, entity, "")
	if err != nil {
		return s.confirm(ctx, r, writeID, err)
	}
	r.Version = version
	return nil
}

// Update replaces the stored record by r if it still has r's Version, and sets
// the new Version. It gives [job.ErrConflict] if another write came first, and
// [job.ErrNotFound] if there is no record. After [job.ErrBusy] the outcome is
// unknown: calling again with the same r settles it. That is also why two
// writers of one process that write the very same over one version are taken
// for one; the transitions of [job.Record] set UpdatedAt, so that theirs differ.
func (s *Store) Update(ctx context.Context, r *job.Record) error {
	if r.Version == "" {
		return fmt.Errorf("update job %s: the record has no version: it was not read from this store", r.ID)
	}
	entity, writeID, err := s.encode(r, r.Version)
	if err != nil {
		return err
	}
	version, err := s.write(ctx, r.ID, entity, r.Version)
	if err != nil {
		return s.confirm(ctx, r, writeID, err)
	}
	r.Version = version
	return nil
}

// confirm looks, after a write was refused, whether an earlier try of the same
// write is what refused it.
func (s *Store) confirm(ctx context.Context, r *job.Record, writeID string, refusal error) error {
	if !errors.Is(refusal, job.ErrExists) && !errors.Is(refusal, job.ErrConflict) {
		return refusal
	}
	stored, storedID, err := s.read(ctx, r.ID)
	switch {
	case errors.Is(err, job.ErrNotFound):
		return refusal
	case err != nil:
		return err
	case storedID != writeID:
		return refusal
	}
	r.Version = stored.Version
	return nil
}
