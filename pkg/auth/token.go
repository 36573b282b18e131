package auth

import (
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// algorithm is the one that Entra ID signs by. A token that names another,
// none or HS256 above all, is not looked at.
const algorithm = jose.RS256

// claims are what tells the caller, beside what every token has.
type claims struct {
	Tenant string   `json:"tid"`
	Object string   `json:"oid"`
	Client string   `json:"azp"`   // version 2.0
	App    string   `json:"appid"` // version 1.0
	Roles  []string `json:"roles"`
	Scopes string   `json:"scp"` // separated by spaces
}

// caller is who a good token is about.
type caller struct {
	tenant, object string
	names          []string // roles and scopes
}

func (c caller) owner() string { return c.tenant + "/" + c.object }

func (c caller) hasOneOf(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(c.names, name) })
}

// callerOf checks a token. Its error is a problem.
func (a *Authenticator) callerOf(ctx context.Context, token string) (caller, error) {
	if known, ok := a.known.find(ctx, token); ok {
		return known, nil
	}
	key, id, err := a.keyOf(ctx, token)
	switch {
	case errors.Is(err, errUnavailable):
		return caller{}, unavailable(err)
	case ctx.Err() != nil:
		return caller{}, ctx.Err()
	case err != nil:
		return caller{}, invalidToken("The access token is not one of this service's issuer.", err)
	}
	verifier := oidc.NewVerifier(a.issuer, &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key}}, &oidc.Config{
		SupportedSigningAlgs: []string{string(algorithm)},
		SkipClientIDCheck:    true, // there may be several; see judge
		Now:                  a.now,
	})
	verified, err := verifier.Verify(ctx, token)
	if _, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return caller{}, invalidToken("The access token expired.", err)
	}
	if err != nil {
		return caller{}, invalidToken("The access token is not valid.", err)
	}
	good, err := a.judge(verified)
	if err == nil {
		a.known.add(token, knownToken{keyID: id, key: key, expires: verified.Expiry, caller: good})
	}
	return good, err
}

// keyOf gives the key that the token says it is signed with, and its id.
func (a *Authenticator) keyOf(ctx context.Context, token string) (key *rsa.PublicKey, id string, err error) {
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		return nil, "", fmt.Errorf("parse token: %w", err)
	}
	id = parsed.Signatures[0].Header.KeyID
	key, err = a.keys.find(ctx, id)
	return key, id, err
}

// judge says who a token of the issuer is about, if it is for this service.
func (a *Authenticator) judge(token *oidc.IDToken) (caller, error) {
	if !slices.ContainsFunc(token.Audience, func(audience string) bool { return slices.Contains(a.audience, audience) }) {
		return caller{}, invalidToken("The access token is for another audience.", fmt.Errorf("audience %q", token.Audience))
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return caller{}, invalidToken("The access token has malformed claims.", err)
	}
	tenant, err := guid(c.Tenant)
	if err != nil || tenant != a.tenant {
		return caller{}, invalidToken("The access token is of another tenant.", fmt.Errorf("tenant %q", c.Tenant))
	}
	object, err := guid(c.Object)
	if err != nil {
		return caller{}, invalidToken("The access token does not say whom it is about.", fmt.Errorf("claim oid: %w", err))
	}
	if c.Client == "" && c.App == "" { // as in an ID token, which proves nothing to an API
		return caller{}, invalidToken("The token is not an access token.", errors.New("neither azp nor appid"))
	}
	return caller{tenant: tenant, object: object, names: append(strings.Fields(c.Scopes), c.Roles...)}, nil
}
