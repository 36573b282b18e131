package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/cmd/internal/profiling"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/auth"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/telemetry"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// config is what the environment says.
type config struct {
	ServiceBus azure.ServiceBus
	Storage    azure.Storage
	Auth       auth.Config

	SubmitRoles []string `env:"AUTH_SUBMIT_ROLES" envDefault:"Jobs.Submit" help:"app roles and scopes, separated by commas, of which a caller needs one to submit"`

	TicketKeys     ticketKeys `env:"TICKET_KEYS,notEmpty" help:"keys that sign ids, base64 of 32 bytes or more, separated by commas; the first signs"`
	OperationsFile string     `env:"OPERATIONS_FILE,notEmpty" help:"path of the operations file"`
	StatusBaseURL  string     `env:"STATUS_BASE_URL,notEmpty" help:"public URL of the status service"`

	ListenAddr     string         `env:"LISTEN_ADDR" envDefault:":8080" help:"address to listen on; port 0 takes a free one"`
	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" help:"networks whose X-Forwarded-For is believed, as CIDR, separated by commas"`
	AllowedOrigins []string       `env:"CORS_ALLOWED_ORIGINS" help:"origins whose pages may call this service, separated by commas, or *; the status service's page always may"`

	KeyLifetime time.Duration `env:"IDEMPOTENCY_KEY_LIFETIME" envDefault:"25h" help:"how long an Idempotency-Key stands for its job, 24h or more; RETENTION is to be longer"`
	MaxInFlight int           `env:"MAX_IN_FLIGHT" envDefault:"2048" help:"requests at a time; one more is answered with 503"`
	Rate        settings.Rate

	SendTimeout     time.Duration `env:"SEND_TIMEOUT" envDefault:"5s" help:"longest wait for the queue before a request is answered with 503"`
	DrainDelay      time.Duration `env:"DRAIN_DELAY" envDefault:"0s" help:"how long a stopping service says not ready before it stops listening"`
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"30s" help:"how long requests in flight may take when the service stops"`
	LogLevel        slog.Level    `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`

	Profiling profiling.Settings
	Telemetry telemetry.Config
}

// check gives an error that names each wrong setting.
func (c *config) check() error {
	return settings.Check(c.ServiceBus.Check(), c.Storage.Check(), c.Auth.Check(), settings.Address("LISTEN_ADDR", c.ListenAddr),
		settings.Valid("AUTH_SUBMIT_ROLES", auth.CheckNames(c.SubmitRoles)),
		settings.Valid("CORS_ALLOWED_ORIGINS", web.CheckOrigins(c.AllowedOrigins)),
		settings.Positive("SEND_TIMEOUT", c.SendTimeout), settings.Positive("SHUTDOWN_TIMEOUT", c.ShutdownTimeout),
		c.checkKeyLifetime(), c.checkMaxInFlight(), c.Rate.Check(), c.Profiling.Check(), c.Telemetry.Check())
}

// minKeyLifetime is what callers are promised.
const minKeyLifetime = 24 * time.Hour

func (c *config) checkKeyLifetime() error {
	if c.KeyLifetime >= minKeyLifetime {
		return nil
	}
	return settings.Wrong("IDEMPOTENCY_KEY_LIFETIME", fmt.Errorf("%s is below %s", c.KeyLifetime, minKeyLifetime))
}

func (c *config) checkMaxInFlight() error {
	if c.MaxInFlight >= 1 {
		return nil
	}
	return settings.Wrong("MAX_IN_FLIGHT", fmt.Errorf("%d is not above zero", c.MaxInFlight))
}

// cors lets pages of the allowed origins post requests, and always the one
// that the status service serves.
func (c *config) cors() (echo.MiddlewareFunc, error) {
	own, err := web.OriginOf(c.StatusBaseURL)
	if err != nil {
		return nil, settings.Wrong("STATUS_BASE_URL", err)
	}
	return web.CORS(&web.CORSOptions{AllowedOrigins: append(slices.Clone(c.AllowedOrigins), own)})
}

// ticketKeys reads a key ring.
type ticketKeys struct{ *job.KeyRing }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *ticketKeys) UnmarshalText(text []byte) (err error) {
	k.KeyRing, err = job.ParseKeyRing(string(text))
	return err
}
