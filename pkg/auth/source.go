package auth

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// maxKeySet is the most that is read of a key set, in bytes. That of Entra ID
// has some 20 KB.
const maxKeySet = 1 << 20

// source is where the issuer's keys are.
type source struct {
	issuer string
	client *http.Client
}

// keys gives the keys for signatures by their ids. They are found by OpenID
// Connect Discovery 1.0, section 4.
func (s *source) keys(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, s.client), s.issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	var metadata struct {
		KeySet string `json:"jwks_uri"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	text, err := s.get(ctx, metadata.KeySet)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return keys, nil
}

func (s *source) get(ctx context.Context, link string) ([]byte, error) {
	if u, err := url.Parse(link); err != nil || !secure(u) {
		return nil, fmt.Errorf("jwks_uri %q is not an https URL", link)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", link, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxKeySet))
}

// parseKeys reads a JWK Set (RFC 7517, section 5). Keys of another kind or
// for another use, and malformed ones, are passed over.
func parseKeys(text []byte) (map[string]*rsa.PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, member := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(member, &key) != nil || key.KeyID == "" || key.Use != "" && key.Use != "sig" {
			continue
		}
		if public, ok := key.Key.(*rsa.PublicKey); ok {
			keys[key.KeyID] = public
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no RSA key for signatures")
	}
	return keys, nil
}
