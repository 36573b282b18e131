package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// Storage reads what lies in a storage account.
type Storage struct {
	clients *azure.Clients
	records *tablestore.Store
	results *blobstore.Container
}

// OpenStorage makes a Storage on the account of a connection string, past
// everything that faults happen to.
func OpenStorage(connectionString string) (*Storage, error) {
	account := azure.Storage{ConnectionString: connectionString}
	clients, err := account.Open(nil)
	if err != nil {
		return nil, err
	}
	return &Storage{
		clients: clients,
		records: tablestore.New(clients.Tables, nil),
		results: blobstore.New(clients.Blobs, nil).Results(),
	}, nil
}

// Close gives back connections.
func (s *Storage) Close() { s.clients.Close() }

// Row implements [Stored].
func (s *Storage) Row(ctx context.Context, id string) (Row, bool, error) {
	parsed, err := job.ParseID(id)
	if err != nil {
		return Row{}, false, err
	}
	record, err := s.records.Get(ctx, parsed)
	if errors.Is(err, job.ErrNotFound) {
		return Row{}, false, nil
	}
	if err != nil {
		return Row{}, false, err
	}
	row := Row{State: string(record.Status)}
	if record.Failure != nil {
		row.Code = string(record.Failure.Code)
	}
	if record.Result != nil {
		row.Blob, row.Digest = record.Result.Blob, record.Result.SHA256
	}
	return row, true, nil
}

// Result implements [Stored].
func (s *Storage) Result(ctx context.Context, blob string) (string, bool, error) {
	content, _, err := s.results.Open(ctx, blob, 0, 0)
	if errors.Is(err, job.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	defer content.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, content); err != nil {
		return "", false, err
	}
	return hex.EncodeToString(digest.Sum(nil)), true, nil
}
