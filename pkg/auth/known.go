package auth

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxKnown is how many tokens are remembered. A caller uses one for about an
// hour.
const maxKnown = 8192

// knownToken is what was found out about a good token.
type knownToken struct {
	keyID   string
	key     *rsa.PublicKey
	expires time.Time
	caller  caller
}

// knownTokens remembers good tokens by their digests, because a signature
// takes a hundred times longer to check than to look up.
type knownTokens struct {
	cache *lru.Cache[[sha256.Size]byte, knownToken]
	keys  *keyCache
	now   func() time.Time
}

// find gives the caller of a token that was good and still is: its time is
// not over, and its key is one that the issuer has published since.
func (k *knownTokens) find(ctx context.Context, token string) (caller, bool) {
	known, ok := k.cache.Get(sha256.Sum256([]byte(token)))
	if !ok || k.now().After(known.expires) {
		return caller{}, false
	}
	key, err := k.keys.find(ctx, known.keyID)
	return known.caller, err == nil && key == known.key
}

func (k *knownTokens) add(token string, known knownToken) {
	k.cache.Add(sha256.Sum256([]byte(token)), known)
}
