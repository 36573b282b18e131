package tablestore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// row is a record as operators see it. The names are the entity's property
// names; the properties of [OData's JSON] that name a type precede their value.
//
// [OData's JSON]: https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
type row struct {
	PartitionKey string
	RowKey       string
	ETag         string `json:"odata.etag,omitempty"`

	Operation string
	Owner     string `json:",omitempty"`
	Status    job.Status

	SubmittedAtType   string     `json:"SubmittedAt@odata.type,omitempty"`
	SubmittedAt       *time.Time `json:",omitempty"`
	StartedAtType     string     `json:"StartedAt@odata.type,omitempty"`
	StartedAt         *time.Time `json:",omitempty"`
	UpdatedAtType     string     `json:"UpdatedAt@odata.type,omitempty"`
	UpdatedAt         *time.Time `json:",omitempty"`
	FinishedAtType    string     `json:"FinishedAt@odata.type,omitempty"`
	FinishedAt        *time.Time `json:",omitempty"`
	NextAttemptAtType string     `json:"NextAttemptAt@odata.type,omitempty"`
	NextAttemptAt     *time.Time `json:",omitempty"`

	RedrivenAtType string     `json:"RedrivenAt@odata.type,omitempty"`
	RedrivenAt     *time.Time `json:",omitempty"`

	Attempt        int
	FailedAttempts int
	FailedBefore   int    `json:",omitempty"`
	PercentType    string `json:"Percent@odata.type"`
	Percent        float64
	Progress       string `json:",omitempty"`
	LastError      string `json:",omitempty"` // a job.Failure in JSON
	Failure        string `json:",omitempty"` // a job.Failure in JSON

	ResultBlob        string `json:",omitempty"`
	ResultSizeType    string `json:"ResultSize@odata.type,omitempty"`
	ResultSize        int64  `json:",omitempty,string"`
	ResultContentType string `json:",omitempty"`
	ResultSHA256      string `json:",omitempty"`
	ResultFileName    string `json:",omitempty"`

	WriteID string `json:",omitempty"`
}

// encode gives the entity of r to be written over the given version, and its
// WriteID.
func (s *Store) encode(r *job.Record, over string) (entity []byte, writeID string, err error) {
	e := row{
		PartitionKey: partitionKey(r.ID), RowKey: r.ID.String(),
		Operation: r.Operation, Owner: r.Owner, Status: r.Status,
		Attempt: r.Attempt, FailedAttempts: r.FailedAttempts, FailedBefore: r.FailedBefore,
		PercentType: "Edm.Double", Percent: finite(r.Percent), Progress: cut(r.Progress, maxProgress),
		LastError: encodeFailure(r.LastError), Failure: encodeFailure(r.Failure),
	}
	e.SubmittedAtType, e.SubmittedAt = encodeTime(r.SubmittedAt)
	e.StartedAtType, e.StartedAt = encodeTime(r.StartedAt)
	e.UpdatedAtType, e.UpdatedAt = encodeTime(r.UpdatedAt)
	e.FinishedAtType, e.FinishedAt = encodeTime(r.FinishedAt)
	e.NextAttemptAtType, e.NextAttemptAt = encodeTime(r.NextAttemptAt)
	e.RedrivenAtType, e.RedrivenAt = encodeTime(r.RedrivenAt)
	if r.Result != nil {
		e.ResultBlob, e.ResultSizeType, e.ResultSize = r.Result.Blob, "Edm.Int64", r.Result.Size
		e.ResultContentType, e.ResultSHA256, e.ResultFileName = r.Result.ContentType, r.Result.SHA256, r.Result.FileName
	}
	if e.WriteID, err = s.writeID(&e, r.UpdatedAt, over); err != nil {
		return nil, "", err
	}
	entity, err = json.Marshal(&e)
	return entity, e.WriteID, err
}

// writeID marks a write: the same process writing the same at the same moment
// over the same version gives the same mark, and nobody else does.
func (s *Store) writeID(e *row, at time.Time, over string) (string, error) {
	content, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("encode job %s: %w", e.RowKey, err)
	}
	h := sha256.New()
	h.Write(s.writer[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano()))) // finer than a tick
	h.Write([]byte(over))
	h.Write([]byte{0})
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// decode reads what encode wrote, and the entity's ETag where it has one.
func decode(entity []byte) (r job.Record, writeID string, err error) {
	var e row
	if err := json.Unmarshal(entity, &e); err != nil {
		return job.Record{}, "", fmt.Errorf("decode job entity: %w", err)
	}
	id, err := job.ParseID(e.RowKey)
	if err != nil {
		return job.Record{}, "", fmt.Errorf("decode job entity: %w", err)
	}
	r = job.Record{
		ID: id, Operation: e.Operation, Owner: e.Owner, Status: e.Status,
		SubmittedAt: decodeTime(e.SubmittedAt), StartedAt: decodeTime(e.StartedAt), UpdatedAt: decodeTime(e.UpdatedAt),
		FinishedAt: decodeTime(e.FinishedAt), NextAttemptAt: decodeTime(e.NextAttemptAt),
		RedrivenAt: decodeTime(e.RedrivenAt), FailedBefore: e.FailedBefore,
		Attempt: e.Attempt, FailedAttempts: e.FailedAttempts, Percent: e.Percent, Progress: e.Progress,
		LastError: decodeFailure(e.LastError), Failure: decodeFailure(e.Failure), Version: e.ETag,
	}
	if e.ResultBlob != "" {
		r.Result = &job.Result{
			Blob: e.ResultBlob, Size: e.ResultSize, ContentType: e.ResultContentType,
			SHA256: e.ResultSHA256, FileName: e.ResultFileName,
		}
	}
	return r, e.WriteID, nil
}

// tick is the resolution of Edm.DateTime.
const tick = 100 * time.Nanosecond

func encodeTime(t time.Time) (string, *time.Time) {
	if t.IsZero() {
		return "", nil
	}
	t = t.UTC().Truncate(tick)
	return "Edm.DateTime", &t
}

func decodeTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// finite replaces what JSON cannot say.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
