package job

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"
)

// MinKeyLength is the least length of a ticket key in bytes.
const MinKeyLength = 32

// KeyRing holds the ticket keys. The first signs, all verify, so that a key is
// rotated by putting a new one in front and dropping the old one when the
// last id it signed is past retention. It is safe for concurrent use.
type KeyRing struct {
	keys []*ticketKey
}

// NewKeyRing makes a ring of at least one key of at least [MinKeyLength] bytes.
func NewKeyRing(keys ...[]byte) (*KeyRing, error) {
	if len(keys) == 0 {
		return nil, errors.New("ticket key ring is empty")
	}
	ring := &KeyRing{}
	for i, key := range keys {
		if len(key) < MinKeyLength {
			return nil, fmt.Errorf("ticket key %d has %d bytes, needs at least %d", i+1, len(key), MinKeyLength)
		}
		ring.keys = append(ring.keys, newTicketKey(key))
	}
	return ring, nil
}

// ParseKeyRing reads keys in standard base64, separated by commas.
func ParseKeyRing(text string) (*KeyRing, error) {
	var keys [][]byte
	for i, part := range strings.Split(text, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("ticket key %d is not base64", i+1)
		}
		keys = append(keys, key)
	}
	return NewKeyRing(keys...)
}

// Verify reports whether id was issued under one of the ring's keys to owner.
// Another owner's id fails exactly like one that never was.
func (r *KeyRing) Verify(id ID, owner string) bool {
	for _, key := range r.keys {
		mac := key.mac(id, owner)
		if hmac.Equal(mac[:], id[macOffset:]) {
			return true
		}
	}
	return false
}

// ticketKey computes MACs under one key.
type ticketKey struct {
	idle sync.Pool // of *ticketHash
}

// ticketHash is an HMAC that is used again and again: setting one up costs
// more than an id.
type ticketHash struct {
	hash.Hash
	input []byte
	sum   [sha256.Size]byte
}

func newTicketKey(key []byte) *ticketKey {
	key = bytes.Clone(key)
	return &ticketKey{idle: sync.Pool{New: func() any { return &ticketHash{Hash: hmac.New(sha256.New, key)} }}}
}

func (k *ticketKey) mac(id ID, owner string) [len(ID{}) - macOffset]byte {
	h := k.idle.Get().(*ticketHash)
	defer k.idle.Put(h)
	h.Reset()
	h.input = append(append(h.input[:0], id[:macOffset]...), owner...)
	h.Write(h.input)
	return [len(ID{}) - macOffset]byte(h.Sum(h.sum[:0]))
}

// Ids that are issued close together share a shard, because the requests they
// name are likely to leave in one send batch, and a worker can then write
// their records in one table transaction. A transaction takes 100 entities.
const (
	idsPerShard  = 100
	timePerShard = 10 * time.Millisecond
)

// Issuer issues ids. It is safe for concurrent use.
type Issuer struct {
	ring *KeyRing
	now  func() time.Time

	mu         sync.Mutex
	shard      byte
	shardSince time.Time
	shardLeft  int
	drawnAt    int64               // the millisecond that drawn belongs to
	drawn      map[uint64]struct{} // nonces of that millisecond
}

// NewIssuer makes an issuer that signs with the first key of ring and takes
// the time from now, or from [time.Now] if now is nil.
func NewIssuer(ring *KeyRing, now func() time.Time) *Issuer {
	if now == nil {
		now = time.Now
	}
	return &Issuer{ring: ring, now: now, drawn: map[uint64]struct{}{}}
}

// Issue gives a new id that owner alone can use; owner is "" where callers are
// not authenticated.
func (i *Issuer) Issue(owner string) ID {
	id := i.draw()
	mac := i.ring.keys[0].mac(id, owner)
	copy(id[macOffset:], mac[:])
	return id
}

func (i *Issuer) draw() ID {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if ms := now.UnixMilli(); ms != i.drawnAt {
		i.drawnAt = ms
		clear(i.drawn)
	}
	if i.shardLeft == 0 || now.Sub(i.shardSince) > timePerShard {
		i.shard, i.shardSince, i.shardLeft = byte(random()), now, idsPerShard
	}
	i.shardLeft--
	nonce := random() & (1<<50 - 1)
	for i.repeats(nonce) {
		nonce = random() & (1<<50 - 1)
	}
	i.drawn[nonce] = struct{}{}
	return newID(now, i.shard, nonce)
}

func (i *Issuer) repeats(nonce uint64) bool {
	_, ok := i.drawn[nonce]
	return ok
}

func random() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return binary.BigEndian.Uint64(b[:])
}
