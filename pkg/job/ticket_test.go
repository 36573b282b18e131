package job_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, job.MinKeyLength) }

func ring(t *testing.T, keys ...[]byte) *job.KeyRing {
	t.Helper()
	r, err := job.NewKeyRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// An id is a UUIDv8 of its moment that its ring and owner verify.
func TestIssue(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 30, 0, 123e6, time.UTC)
	r := ring(t, key(1))
	issuer := job.NewIssuer(r, func() time.Time { return at })
	for range 1000 {
		id := issuer.Issue("ann")
		if id[6]>>4 != 8 || id[8]>>6 != 2 {
			t.Fatalf("%s is not version 8, variant 10", id)
		}
		if !id.Time().Equal(at) || !r.Verify(id, "ann") {
			t.Fatalf("%s: time %s, verified %v", id, id.Time(), r.Verify(id, "ann"))
		}
	}
}

// Another owner, another key and a change of any bit but those of the MAC's
// own chance make an id that never was.
func TestVerifyRefuses(t *testing.T) {
	r := ring(t, key(1))
	id := job.NewIssuer(r, nil).Issue("ann")
	for _, owner := range []string{"", "bob", "ann "} {
		if r.Verify(id, owner) {
			t.Errorf("verified for owner %q", owner)
		}
	}
	if ring(t, key(2)).Verify(id, "ann") {
		t.Error("verified under another key")
	}
	accepted := 0
	for bit := range 128 {
		forged := id
		forged[bit/8] ^= 1 << (bit % 8)
		if r.Verify(forged, "ann") {
			accepted++
		}
	}
	if accepted > 1 { // a 16-bit MAC lets one in 65,536 pass
		t.Errorf("%d of 128 ids with one changed bit were verified", accepted)
	}
}

// While keys rotate, ids of the old one stay good until it is dropped.
func TestRotation(t *testing.T) {
	old, both, after := ring(t, key(1)), ring(t, key(2), key(1)), ring(t, key(2))
	earlier := job.NewIssuer(old, nil).Issue("")
	later := job.NewIssuer(both, nil).Issue("")
	for _, test := range []struct {
		name string
		ring *job.KeyRing
		id   job.ID
		want bool
	}{
		{"old id, both keys", both, earlier, true},
		{"new id, both keys", both, later, true},
		{"new id, new key", after, later, true},
		{"old id, new key", after, earlier, false},
		{"new id, old key", old, later, false},
	} {
		if got := test.ring.Verify(test.id, ""); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// The ring keeps its own copy of a key.
func TestKeyIsCopied(t *testing.T) {
	k := key(1)
	r := ring(t, k)
	id := job.NewIssuer(r, nil).Issue("")
	k[0] = 9
	if !r.Verify(id, "") {
		t.Error("changing the caller's slice changed the ring")
	}
}

// A ring without keys, or with a short or garbled one, is refused by number
// and without showing the key.
func TestParseKeyRing(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(key(1))
	short := base64.StdEncoding.EncodeToString(key(2)[1:])
	if r, err := job.ParseKeyRing(good + ", " + good); err != nil || r == nil {
		t.Errorf("two keys: %v", err)
	}
	for text, want := range map[string]string{
		"":                    "ticket key 1 has 0 bytes, needs at least 32",
		good + "," + short:    "ticket key 2 has 31 bytes",
		good + ",%%%":         "ticket key 2 is not base64",
		good + "," + good[1:]: "ticket key 2 is not base64",
	} {
		_, err := job.ParseKeyRing(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), short) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := job.NewKeyRing(); err == nil {
		t.Error("a ring without keys was made")
	}
}

// Ids issued at once by many goroutines are all different, and come in runs
// of at most a hundred per shard, as many as a table transaction takes.
func TestIdsAreUniqueAndShareShards(t *testing.T) {
	const goroutines, each = 8, 500
	at := time.Now()
	issuer := job.NewIssuer(ring(t, key(1)), func() time.Time { return at })
	ids := make([][]job.ID, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for range each {
				ids[g] = append(ids[g], issuer.Issue(""))
			}
		})
	}
	wg.Wait()
	seen, shards := map[job.ID]bool{}, map[byte]int{}
	for _, some := range ids {
		for _, id := range some {
			if seen[id] {
				t.Fatalf("%s was issued twice", id)
			}
			seen[id] = true
			shards[id.Shard()]++
		}
	}
	if runs := goroutines * each / 100; len(shards) > runs {
		t.Errorf("%d ids of one moment lie in %d shards, want at most %d", len(seen), len(shards), runs)
	}
}

// After 10 ms another shard is drawn, so that load spreads.
func TestShardChangesWithTime(t *testing.T) {
	now := time.Now()
	issuer := job.NewIssuer(ring(t, key(1)), func() time.Time { return now })
	shards := map[byte]bool{}
	for range 100 {
		shards[issuer.Issue("").Shard()] = true
		now = now.Add(11 * time.Millisecond)
	}
	if len(shards) < 50 {
		t.Errorf("100 draws gave %d shards", len(shards))
	}
}

func BenchmarkIssue(b *testing.B) {
	r, _ := job.NewKeyRing(key(1))
	issuer := job.NewIssuer(r, nil)
	b.ReportAllocs()
	for b.Loop() {
		issuer.Issue("ann")
	}
}

func BenchmarkVerify(b *testing.B) {
	r, _ := job.NewKeyRing(key(1))
	id := job.NewIssuer(r, nil).Issue("ann")
	b.ReportAllocs()
	for b.Loop() {
		r.Verify(id, "ann")
	}
}

// Whatever text is given for keys, it is refused or makes a ring that knows its
// own ids and no others; and no text is a genuine id but one that was issued.
func FuzzTicket(f *testing.F) {
	f.Add("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "owner", someID)
	f.Add("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=,b2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "", "x")
	f.Add("c2hvcnQ=", "\x00", "")
	f.Fuzz(func(t *testing.T, keys, owner, text string) {
		ring, err := job.ParseKeyRing(keys)
		if err != nil {
			return
		}
		id := job.NewIssuer(ring, nil).Issue(owner)
		parsed, err := job.ParseID(id.String())
		if err != nil || parsed != id || !ring.Verify(parsed, owner) {
			t.Errorf("issued %s to %q: %v", id, owner, err)
		}
		other := id
		other[0] ^= 1
		if ring.Verify(other, owner) && ring.Verify(id, owner+"x") {
			t.Errorf("%s and another's are genuine", other) // each alone is by chance, once in 65,536
		}
		if made, err := job.ParseID(text); err == nil && made.String() != strings.ToLower(text) {
			t.Errorf("%q became %s", text, made)
		}
	})
}
