package tablestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Reservations keeps what Idempotency-Keys stand for, in one table {prefix}keys
// beside those of the days: whoever asks for a key must find it whatever the
// time, so it lies where its name says and not under a day. PartitionKey is the
// first two digits of the name, RowKey the name. It is safe for concurrent use.
type Reservations struct {
	client *aztables.ServiceClient
	name   string
}

// NewReservations makes a store on the account of client. It makes no request.
func NewReservations(client *aztables.ServiceClient, opts *Options) *Reservations {
	return &Reservations{client: client, name: New(client, opts).prefix + "keys"}
}

// reservation is a [job.Reservation] as an entity.
type reservation struct {
	PartitionKey string
	RowKey       string
	ETag         string `json:"odata.etag,omitempty"`

	ID          job.ID
	Fingerprint string

	SubmittedAtType string     `json:"SubmittedAt@odata.type,omitempty"`
	SubmittedAt     *time.Time `json:",omitempty"`
	ExpiresAtType   string     `json:"ExpiresAt@odata.type,omitempty"`
	ExpiresAt       *time.Time `json:",omitempty"`

	PayloadBlob     string `json:",omitempty"`
	PayloadSizeType string `json:"PayloadSize@odata.type"`
	PayloadSize     int64  `json:",string"`
	Queued          bool
}

func encodeReservation(r *job.Reservation) ([]byte, error) {
	e := reservation{
		PartitionKey: reservationPartition(r.Key), RowKey: r.Key, ID: r.ID, Fingerprint: r.Fingerprint,
		PayloadBlob: r.PayloadBlob, PayloadSizeType: "Edm.Int64", PayloadSize: r.PayloadSize, Queued: r.Queued,
	}
	e.SubmittedAtType, e.SubmittedAt = encodeTime(r.SubmittedAt)
	e.ExpiresAtType, e.ExpiresAt = encodeTime(r.ExpiresAt)
	return json.Marshal(&e)
}

// reservationPartition spreads keys over 256 partitions.
func reservationPartition(key string) string { return key[:min(2, len(key))] }

func (s *Reservations) table() *aztables.Client { return s.client.NewClient(s.name) }

// Get reads a reservation. A key that is not reserved gives [job.ErrNotFound].
func (s *Reservations) Get(ctx context.Context, key string) (job.Reservation, error) {
	response, err := s.table().GetEntity(ctx, reservationPartition(key), key, nil)
	if err != nil {
		return job.Reservation{}, translate(ctx, "read idempotency key", err)
	}
	var e reservation
	if err := json.Unmarshal(response.Value, &e); err != nil {
		return job.Reservation{}, fmt.Errorf("decode idempotency key: %w", err)
	}
	return job.Reservation{
		Key: e.RowKey, ID: e.ID, Fingerprint: e.Fingerprint,
		SubmittedAt: decodeTime(e.SubmittedAt), ExpiresAt: decodeTime(e.ExpiresAt),
		PayloadBlob: e.PayloadBlob, PayloadSize: e.PayloadSize, Queued: e.Queued, Version: string(response.ETag),
	}, nil
}

// Insert reserves a key and sets r.Version. It gives [job.ErrExists] when the
// key is reserved already.
func (s *Reservations) Insert(ctx context.Context, r *job.Reservation) error {
	entity, err := encodeReservation(r)
	if err != nil {
		return err
	}
	response, err := s.table().AddEntity(ctx, entity, nil)
	if isNotFound(err) {
		if err := createTable(ctx, s.client, s.name); err != nil {
			return err
		}
		response, err = s.table().AddEntity(ctx, entity, nil)
	}
	if err != nil {
		return s.confirm(ctx, r, translate(ctx, "insert idempotency key", err))
	}
	r.Version = string(response.ETag)
	return nil
}

// Update replaces a reservation if it still has r's Version, and sets the new
// one. It gives [job.ErrConflict] if another write came first, and
// [job.ErrNotFound] if the reservation was dropped.
func (s *Reservations) Update(ctx context.Context, r *job.Reservation) error {
	if r.Version == "" {
		return errors.New("update idempotency key: it has no version: it was not read from this store")
	}
	entity, err := encodeReservation(r)
	if err != nil {
		return err
	}
	version := azcore.ETag(r.Version)
	response, err := s.table().UpdateEntity(ctx, entity, &aztables.UpdateEntityOptions{
		IfMatch:    &version, // nil would mean any version
		UpdateMode: aztables.UpdateModeReplace,
	})
	if err != nil {
		return s.confirm(ctx, r, translate(ctx, "update idempotency key", err))
	}
	r.Version = string(response.ETag)
	return nil
}

// confirm looks, after a write was refused, whether an earlier try of the same
// write is what refused it: no two requests reserve for the same job.
func (s *Reservations) confirm(ctx context.Context, r *job.Reservation, refusal error) error {
	if !errors.Is(refusal, job.ErrExists) && !errors.Is(refusal, job.ErrConflict) {
		return refusal
	}
	stored, err := s.Get(ctx, r.Key)
	switch {
	case errors.Is(err, job.ErrNotFound):
		return refusal
	case err != nil:
		return err
	case stored.ID != r.ID || stored.Queued != r.Queued:
		return refusal
	}
	r.Version = stored.Version
	return nil
}
