// Package stock makes the calls that the services cannot do without, by the
// stock SDKs and nothing around them: what a benchmark holds the services
// against.
package stock

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

const (
	name        = "raw" // of the table and of the container
	connections = 64    // that are kept
)

// Storage writes and reads what a worker and the status service do, elsewhere.
type Storage struct {
	sample    Sample
	transport *http.Transport
	rows      *aztables.Client
	blobs     *container.Client
}

// OpenStorage makes the table and the container for writing samples to, where
// there are none.
func OpenStorage(ctx context.Context, connectionString string, sample Sample) (*Storage, error) {
	s := &Storage{sample: sample, transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	tables, blobs, err := clients(connectionString, &http.Client{Transport: s.transport})
	if err != nil {
		return nil, err
	}
	s.rows, s.blobs = tables.NewClient(name), blobs.ServiceClient().NewContainerClient(name)
	if _, err := s.rows.CreateTable(ctx, nil); err != nil && !isConflict(err) {
		return nil, err
	}
	if _, err := s.blobs.Create(ctx, nil); err != nil && !isConflict(err) {
		return nil, err
	}
	return s, nil
}

func clients(connectionString string, transport *http.Client) (*aztables.ServiceClient, *azblob.Client, error) {
	options := azcore.ClientOptions{Transport: transport}
	tables, err := aztables.NewServiceClientFromConnectionString(connectionString, &aztables.ClientOptions{ClientOptions: options})
	if err != nil {
		return nil, nil, err
	}
	blobs, err := azblob.NewClientFromConnectionString(connectionString, &azblob.ClientOptions{ClientOptions: options})
	return tables, blobs, err
}

// Close gives back idle connections.
func (s *Storage) Close() { s.transport.CloseIdleConnections() }

// Key names a row, and the blob that belongs to it.
type Key struct{ Partition, Row string }

// NewKey gives a key in a partition that nothing has been written under.
func NewKey(partition string) Key { return Key{Partition: partition, Row: rand.Text()} }

// PutBlob writes a result.
func (s *Storage) PutBlob(ctx context.Context, k Key) error {
	never := azcore.ETagAny
	_, err := s.blobs.NewBlockBlobClient(k.Partition+"/"+k.Row).Upload(ctx,
		streaming.NopCloser(bytes.NewReader(s.sample.content)), &blockblob.UploadOptions{
			HTTPHeaders:      &s.sample.headers,
			Metadata:         s.sample.metadata,
			AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &never}},
		})
	return err
}

// InsertRow writes a terminal row.
func (s *Storage) InsertRow(ctx context.Context, k Key) error {
	_, err := s.rows.AddEntity(ctx, s.sample.row(k), nil)
	return err
}

// InsertRows writes terminal rows of one partition in one transaction, at most
// 100.
func (s *Storage) InsertRows(ctx context.Context, keys []Key) error {
	actions := make([]aztables.TransactionAction, len(keys))
	for i, k := range keys {
		actions[i] = aztables.TransactionAction{ActionType: aztables.TransactionTypeAdd, Entity: s.sample.row(k)}
	}
	_, err := s.rows.SubmitTransaction(ctx, actions, nil)
	return err
}

// ReadRow reads a row.
func (s *Storage) ReadRow(ctx context.Context, k Key) error {
	_, err := s.rows.GetEntity(ctx, k.Partition, k.Row, nil)
	return err
}

// MissRow reads a row that does not exist.
func (s *Storage) MissRow(ctx context.Context, k Key) error {
	err := s.ReadRow(ctx, k)
	if isNotFound(err) {
		return nil
	}
	return err
}
