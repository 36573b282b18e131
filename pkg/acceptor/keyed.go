package acceptor

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Reservations remembers what Idempotency-Keys stand for.
type Reservations interface {
	// Get gives [job.ErrNotFound] for a key that is not reserved.
	Get(ctx context.Context, key string) (job.Reservation, error)
	// Insert gives [job.ErrExists] for a key that is.
	Insert(ctx context.Context, r *job.Reservation) error
	// Update gives [job.ErrConflict] unless r.Version is what is stored.
	Update(ctx context.Context, r *job.Reservation) error
}

// markTimeout bounds the note that a message is in the queue. Without it the
// next request with the same key sends the message again, which the queue's
// detection of duplicates and the worker's claims make harmless.
const markTimeout = time.Second

// keyed is a request with an Idempotency-Key on its way into the queue.
//
// The first one stores its payload, if that is large, reserves the key for its
// job, sends, and notes that it did. Whoever comes with the same key finds the
// reservation and, unless it is noted that the message is in the queue, sends
// it again under the same id: the first one may have died before it could, or
// may be about to. So a payload that a reservation names is never deleted here.
type keyed struct {
	*Acceptor
	message *job.Message
	body    payload
	digest  hash.Hash // of what body was read so far
	key     string    // of the reservation
	own     string    // name of the payload that this request stored, or ""

	queueTimeout time.Duration // of the operation
}

// queueOnce sends the message unless the key stands for a job already, and
// makes m the message of that job.
func (a *Acceptor) queueOnce(ctx context.Context, m *job.Message, body payload, key string) error {
	if a.options.Reservations == nil {
		return malformedKey("is not supported by this service")
	}
	k := &keyed{
		Acceptor: a, message: m, body: body, digest: newFingerprint(m),
		key: job.ReservationKey(m.Owner, m.Operation, key), queueTimeout: m.TimeToLive,
	}
	known, err := k.find(ctx)
	if err != nil {
		return err
	}
	if err := k.takeIn(ctx, known); err != nil {
		return err
	}
	if reserves(known) {
		return k.repeat(ctx, known)
	}
	return k.begin(ctx, known.Version)
}

// newFingerprint begins the digest of all that makes a request what it is.
func newFingerprint(m *job.Message) hash.Hash {
	h := sha256.New()
	for _, part := range []string{m.ContentType, m.Query} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h
}

func (k *keyed) fingerprint() string { return hex.EncodeToString(k.digest.Sum(nil)) }

// find gives what is reserved, the zero value if nothing is.
func (k *keyed) find(ctx context.Context) (job.Reservation, error) {
	ctx, cancel := context.WithTimeout(ctx, k.options.SendTimeout)
	defer cancel()
	known, err := k.options.Reservations.Get(ctx, k.key)
	switch {
	case errors.Is(err, job.ErrNotFound):
		return job.Reservation{}, nil
	case err != nil:
		return job.Reservation{}, unreserved(err)
	}
	return known, nil
}

// reserves reports whether the key still stands for the reservation's job.
func reserves(r job.Reservation) bool { return r.Version != "" && time.Now().Before(r.ExpiresAt) }

// takeIn reads the payload to its end for the fingerprint. One that is too
// large for a message it stores on the way, unless a stored one is known.
func (k *keyed) takeIn(ctx context.Context, known job.Reservation) error {
	switch {
	case k.body.rest == nil && len(k.body.head) <= k.options.InlineLimit:
		k.message.Body = k.body.head
		k.digest.Write(k.body.head)
		return nil
	case reserves(known) && (known.Queued || known.PayloadBlob != ""):
		_, err := io.Copy(k.digest, k.body.reader())
		return err
	}
	k.body.digest = k.digest
	if err := k.store(ctx, k.message.ID); err != nil {
		return err
	}
	shortenLife(k.message)
	return nil
}

// store uploads the payload under an id of this request's own.
func (k *keyed) store(ctx context.Context, id job.ID) error {
	if err := k.upload(ctx, k.message, id, k.body); err != nil {
		return err
	}
	k.message.Body, k.own = nil, k.message.PayloadBlob
	return nil
}

// begin reserves the key for this request's job, in place of an expired
// reservation of the given version if there is one, and sends.
func (k *keyed) begin(ctx context.Context, expired string) error {
	m := k.message
	m.SubmittedAt = time.Now().UTC().Truncate(time.Microsecond) // every store keeps it
	r := job.Reservation{
		Key: k.key, ID: m.ID, Fingerprint: k.fingerprint(),
		SubmittedAt: m.SubmittedAt, ExpiresAt: m.SubmittedAt.Add(k.options.KeyLifetime),
		PayloadBlob: m.PayloadBlob, PayloadSize: m.PayloadSize, Version: expired,
	}
	err := k.reserve(ctx, &r)
	switch {
	case errors.Is(err, job.ErrExists), errors.Is(err, job.ErrConflict):
		known, err := k.find(ctx)
		if err == nil && !reserves(known) {
			err = unreserved(errors.New("the reservation changed and is gone"))
		}
		if err != nil {
			k.discardOwn(ctx)
			return err
		}
		return k.repeat(ctx, known)
	case err != nil:
		return unreserved(err) // it may be reserved all the same, so the payload stays
	}
	return k.dispatch(ctx, &r)
}

func (k *keyed) reserve(ctx context.Context, r *job.Reservation) error {
	ctx, cancel := context.WithTimeout(ctx, k.options.SendTimeout)
	defer cancel()
	if r.Version == "" {
		return k.options.Reservations.Insert(ctx, r)
	}
	return k.options.Reservations.Update(ctx, r)
}

// repeat makes this request one for the job that the key stands for.
func (k *keyed) repeat(ctx context.Context, known job.Reservation) error {
	if known.PayloadBlob == k.own {
		k.own = "" // the reservation is this request's: the reply to it was lost
	}
	if k.fingerprint() != known.Fingerprint {
		k.discardOwn(ctx)
		return keyReused()
	}
	m := k.message
	m.ID, m.StatusURL, m.SubmittedAt = known.ID, k.statusURL(known.ID), known.SubmittedAt
	// The id tells the status service how long the message may wait, whenever
	// it is sent. After that the job counts as expired and is not to run.
	m.TimeToLive = k.queueTimeout - max(0, time.Since(known.ID.Time()))
	if known.Queued || m.TimeToLive < time.Second {
		k.discardOwn(ctx)
		return nil
	}
	if known.PayloadBlob != "" {
		k.discardOwn(ctx)
		m.Body, m.PayloadBlob, m.PayloadSize = nil, known.PayloadBlob, known.PayloadSize
	}
	return k.dispatch(ctx, &known)
}

// dispatch sends the message and notes that it did.
func (k *keyed) dispatch(ctx context.Context, r *job.Reservation) error {
	err := k.send(ctx, k.message)
	if errors.Is(err, job.ErrTooLarge) { // this queue takes less than the inline limit
		if err := k.store(ctx, k.options.Issuer.Issue(k.message.Owner)); err != nil {
			return err
		}
		err = k.send(ctx, k.message)
	}
	if err != nil {
		return err
	}
	r.Queued = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTimeout)
	defer cancel()
	_ = k.options.Reservations.Update(ctx, r)
	return nil
}

// discardOwn deletes the payload that this request stored: another one's
// counts.
func (k *keyed) discardOwn(ctx context.Context) {
	if k.own != "" {
		k.discard(ctx, k.own)
		k.own = ""
	}
}

// unreserved is a 503: what a key stands for is not known for certain.
func unreserved(cause error) error {
	return busy("The Idempotency-Key could not be reserved and the request was not accepted. Try again.",
		fmt.Errorf("idempotency key: %w", cause))
}
