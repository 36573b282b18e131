package job

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Reservation is what an Idempotency-Key stands for: the one job of all the
// requests that a caller sends to an operation with that key.
type Reservation struct {
	Key         string // of [ReservationKey]
	ID          ID     // of the job
	Fingerprint string // of the payload and what was said about it, in hexadecimal
	SubmittedAt time.Time
	ExpiresAt   time.Time // from then on the key may stand for another job
	PayloadBlob string    // name of the claim-checked payload, or ""
	PayloadSize int64     // bytes of the claim-checked payload
	Queued      bool      // the message is in the queue for certain, or was

	Version string // the store's tag of this version (ETag); "" before the insert
}

// ReservationKey gives the name of a reservation: a digest in hexadecimal, in
// which no caller's key collides with another caller's or operation's.
func ReservationKey(owner, operation, key string) string {
	h := sha256.New()
	for _, part := range []string{owner, operation, key} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}
