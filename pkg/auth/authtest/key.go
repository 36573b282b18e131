package authtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"testing"
)

const keyBits = 2048

// Key signs tokens.
type Key struct {
	ID      string
	Private *rsa.PrivateKey
}

// NewKey makes a key that no issuer has published.
func NewKey(tb testing.TB) *Key {
	tb.Helper()
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		tb.Fatal(err)
	}
	return &Key{ID: rand.Text(), Private: private}
}

// Sign gives a token with the usual header.
func (k *Key) Sign(tb testing.TB, claims Claims) string {
	tb.Helper()
	return k.SignAs(tb, map[string]any{"typ": "JWT", "alg": "RS256", "kid": k.ID}, claims)
}

// SignAs gives a token that is signed by RS256, whatever its header says.
func (k *Key) SignAs(tb testing.TB, header map[string]any, claims Claims) string {
	tb.Helper()
	signed := Unsigned(tb, header, claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.Private, crypto.SHA256, sum[:])
	if err != nil {
		tb.Fatal(err)
	}
	return signed + "." + encode(signature)
}

// Unsigned gives the first two parts of a token, for a test to sign (RFC
// 7515, section 3.1).
func Unsigned(tb testing.TB, header map[string]any, claims Claims) string {
	tb.Helper()
	return encode(marshal(tb, header)) + "." + encode(marshal(tb, claims))
}

func marshal(tb testing.TB, value any) []byte {
	tb.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
