// Package authtest gives tests an issuer of access tokens.
//
// Microsoft Entra ID itself cannot be had in a test. An [Issuer] is an OpenID
// Connect issuer over real HTTP, with a discovery document, a key set and keys
// that are rotated, and its tokens have the claims that Entra ID's have.
package authtest

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// What tokens have unless a test says otherwise.
const (
	Tenant   = "11111111-aaaa-4aaa-8aaa-111111111111"
	Audience = "22222222-bbbb-4bbb-8bbb-222222222222"
	Object   = "33333333-cccc-4ccc-8ccc-333333333333"
	Client   = "44444444-dddd-4ddd-8ddd-444444444444"
)

// Issuer issues access tokens. It is safe for concurrent use.
type Issuer struct {
	base string // URL

	mu      sync.Mutex
	keys    []*Key // the last signs
	down    bool
	fetches int
}

// NewIssuer starts an issuer with one key for as long as the test runs.
func NewIssuer(tb testing.TB) *Issuer {
	tb.Helper()
	i := &Issuer{keys: []*Key{NewKey(tb)}}
	server := httptest.NewUnstartedServer(i)
	i.base = "http://" + server.Listener.Addr().String()
	server.Start()
	tb.Cleanup(server.Close)
	return i
}

// URL gives the issuer as tokens name it.
func (i *Issuer) URL() string { return i.base + "/" + Tenant + "/v2.0" }

// Key gives the key that signs.
func (i *Issuer) Key() *Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1]
}

// Rotate has a new key sign, which is published beside the old ones.
func (i *Issuer) Rotate(tb testing.TB) {
	tb.Helper()
	key := NewKey(tb)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, key)
}

// Withdraw publishes the key that signs and no other any more.
func (i *Issuer) Withdraw() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = i.keys[len(i.keys)-1:]
}

// SetDown has the issuer break every connection, or answer again.
func (i *Issuer) SetDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// Fetches gives how often the key set was asked for.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// Claims are what a token says.
type Claims map[string]any

// With gives a copy with another value for a claim, or without it for nil.
func (c Claims) With(name string, value any) Claims {
	changed := Claims{}
	for n, v := range c {
		changed[n] = v
	}
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

// Claims gives those of a good token of a service that has the given roles,
// as Entra ID's version 2.0 tokens have them.
func (i *Issuer) Claims(roles ...string) Claims {
	now := time.Now()
	return Claims{
		"iss": i.URL(), "aud": Audience, "tid": Tenant, "oid": Object, "sub": Object, "azp": Client, "ver": "2.0",
		"roles": roles, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// Sign gives a token by the key that signs.
func (i *Issuer) Sign(tb testing.TB, claims Claims) string {
	tb.Helper()
	return i.Key().Sign(tb, claims)
}

// Token gives a good token that is about Object and has the given roles.
func (i *Issuer) Token(tb testing.TB, roles ...string) string {
	tb.Helper()
	return i.Sign(tb, i.Claims(roles...))
}

// ServeHTTP answers discovery and gives the key set.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.down {
		panic(http.ErrAbortHandler)
	}
	keySet := i.base + "/" + Tenant + "/discovery/v2.0/keys"
	var document any
	switch {
	case r.URL.Path == "/"+Tenant+"/v2.0/.well-known/openid-configuration":
		document = map[string]any{"issuer": i.URL(), "jwks_uri": keySet, "id_token_signing_alg_values_supported": []string{"RS256"}}
	case strings.HasSuffix(keySet, r.URL.Path):
		i.fetches++
		document = map[string]any{"keys": i.published()}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) // fails only if the client is gone
}

// published gives the keys as a JWK Set has them (RFC 7517), between others
// that are not for signatures or of no known kind.
func (i *Issuer) published() []any {
	all := []any{map[string]string{"kty": "unheard-of", "kid": "x"}}
	for _, key := range i.keys {
		public := key.Private.PublicKey
		all = append(all, map[string]string{
			"kty": "RSA", "use": "sig", "kid": key.ID,
			"n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes()),
		})
	}
	return all
}

func encode(content []byte) string { return base64.RawURLEncoding.EncodeToString(content) }
