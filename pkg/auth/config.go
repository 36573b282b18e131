package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// Mode says whether callers have to show who they are.
type Mode string

// Modes.
const (
	ModeNone  Mode = "none"  // everybody may call, and all jobs are everybody's
	ModeEntra Mode = "entra" // callers show an access token of Entra ID
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *Mode) UnmarshalText(text []byte) error {
	switch mode := Mode(text); mode {
	case ModeNone, ModeEntra:
		*m = mode
		return nil
	}
	return fmt.Errorf("%q is neither %s nor %s", text, ModeNone, ModeEntra)
}

// Config says whose tokens are good. It is a part of a program's
// configuration, with the tags of github.com/caarlos0/env.
type Config struct {
	Mode     Mode     `env:"AUTH_MODE" envDefault:"none" help:"none: everybody may call; entra: callers show an access token of Entra ID"`
	Issuer   string   `env:"AUTH_ISSUER" help:"issuer of access tokens, as in https://login.microsoftonline.com/{tenant id}/v2.0"`
	Audience []string `env:"AUTH_AUDIENCE" help:"audience of access tokens: the API's application (client) id; several are separated by commas"`
}

// Check gives one line for each wrong setting.
func (c *Config) Check() error {
	if c.Mode != ModeEntra {
		return c.checkUnused()
	}
	var wrong []error
	if _, err := tenantOf(c.Issuer); err != nil {
		wrong = append(wrong, fmt.Errorf("AUTH_ISSUER %w", err))
	}
	if len(c.Audience) == 0 {
		wrong = append(wrong, errors.New("AUTH_AUDIENCE is missing"))
	} else if err := CheckNames(c.Audience); err != nil {
		wrong = append(wrong, fmt.Errorf("AUTH_AUDIENCE: %w", err))
	}
	return errors.Join(wrong...)
}

// checkUnused keeps a forgotten AUTH_MODE from opening what was meant to be
// closed.
func (c *Config) checkUnused() error {
	if c.Issuer != "" || len(c.Audience) > 0 {
		return fmt.Errorf("AUTH_MODE is not %s, but AUTH_ISSUER or AUTH_AUDIENCE is set", ModeEntra)
	}
	return nil
}

// CheckNames gives an error for names of roles, scopes or audiences that no
// token can have: empty ones and those with blanks or quotes in them.
func CheckNames(names []string) error {
	for _, name := range names {
		if name == "" || strings.ContainsFunc(name, notInScope) {
			return fmt.Errorf("%q is not a name", name)
		}
	}
	return nil
}

// notInScope tells what a scope-token has not got (RFC 6749, section 3.3).
func notInScope(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

// tenantOf gives the tenant whose id is in the issuer's path. The issuers of
// Entra ID that stand for many tenants (common, organizations, consumers)
// have none.
func tenantOf(issuer string) (string, error) {
	if issuer == "" {
		return "", errors.New("is missing")
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !secure(u) {
		return "", fmt.Errorf("is not an https URL without user, query and fragment: %q", issuer)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if tenant, err := guid(segment); err == nil {
			return tenant, nil
		}
	}
	return "", fmt.Errorf("has no tenant id in its path: %q", issuer)
}

// secure reports whether nobody on the way can change what u gives: by https,
// or because it is on this machine.
func secure(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && err == nil && address.IsLoopback()
}

// guid reads the plain form of a GUID and gives it in lower case.
func guid(text string) (string, error) {
	const length = 36
	if len(text) != length {
		return "", fmt.Errorf("%q is not a GUID", text)
	}
	id, err := uuid.Parse(text)
	return id.String(), err
}
