package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// Options are what is not in a [Config]. The zero value, or nil, is usable.
type Options struct {
	Client *http.Client     // asks the issuer; nil: one made for the purpose
	Logger *slog.Logger     // hears when the issuer fails and recovers; nil: none
	Now    func() time.Time // nil: [time.Now]
}

// Authenticator tells who is calling. Nil stands for [ModeNone]. It is safe
// for concurrent use.
type Authenticator struct {
	issuer   string
	tenant   string
	audience []string
	now      func() time.Time
	keys     *keyCache
	known    *knownTokens
	end      context.CancelFunc
}

// Open makes the authenticator that c asks for: nil for [ModeNone]. It makes
// no request. Close what it gives.
func (c *Config) Open(opts *Options) (*Authenticator, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	if c.Mode != ModeEntra {
		return nil, nil
	}
	o := opts.withDefaults()
	tenant, err := tenantOf(c.Issuer)
	if err != nil {
		return nil, err
	}
	cache, err := lru.New[[sha256.Size]byte, knownToken](maxKnown)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	source := &source{issuer: c.Issuer, client: o.Client}
	keys := &keyCache{fetch: source.keys, life: life, now: o.Now, log: o.Logger.With("issuer", c.Issuer)}
	return &Authenticator{
		issuer: c.Issuer, tenant: tenant, audience: c.Audience, now: o.Now, end: end,
		keys: keys, known: &knownTokens{cache: cache, keys: keys, now: o.Now},
	}, nil
}

func (o *Options) withDefaults() Options {
	var filled Options
	if o != nil {
		filled = *o
	}
	if filled.Client == nil {
		// The issuer is asked once an hour: connections are not worth keeping.
		filled.Client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}
	}
	if filled.Logger == nil {
		filled.Logger = slog.New(slog.DiscardHandler)
	}
	if filled.Now == nil {
		filled.Now = time.Now
	}
	return filled
}

// Owner gives the Owner option of a service: a function that names the owner
// of the caller's jobs, if the caller has one of the roles or scopes that
// needed gives for the request. Its errors are problems. Of a nil
// Authenticator it is nil.
func (a *Authenticator) Owner(needed func(*http.Request) []string) func(echo.Context) (string, error) {
	if a == nil {
		return nil
	}
	return func(c echo.Context) (string, error) {
		request := c.Request()
		token, err := bearerToken(request.Header)
		if err != nil {
			return "", err
		}
		caller, err := a.callerOf(request.Context(), token)
		if err != nil {
			return "", err
		}
		if names := needed(request); !caller.hasOneOf(names) {
			return "", insufficientScope(names)
		}
		return caller.owner(), nil
	}
}

// Checks gives what readiness takes: that the issuer's keys are known.
func (a *Authenticator) Checks() []web.Check {
	if a == nil {
		return nil
	}
	return []web.Check{{Name: "issuer", Func: a.keys.ready}}
}

// Close ends a request to the issuer that is still under way.
func (a *Authenticator) Close() {
	if a != nil {
		a.end()
	}
}
