package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/profiling"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/auth"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// config is what the environment says.
type config struct {
	Storage azure.Storage
	Auth    auth.Config

	ReadRoles   []string `env:"AUTH_READ_ROLES" envDefault:"Jobs.Read" help:"app roles and scopes, separated by commas, of which a caller needs one to read status and results"`
	CancelRoles []string `env:"AUTH_CANCEL_ROLES" envDefault:"Jobs.Cancel" help:"app roles and scopes, separated by commas, of which a caller needs one to cancel"`

	TicketKeys     ticketKeys `env:"TICKET_KEYS,notEmpty" help:"keys that sign ids, as the acceptor has them"`
	OperationsFile string     `env:"OPERATIONS_FILE,notEmpty" help:"path of the operations file"`
	StatusBaseURL  string     `env:"STATUS_BASE_URL,notEmpty" help:"public URL of this service; links in answers begin with it"`

	AcceptorBaseURL string `env:"ACCEPTOR_BASE_URL" help:"public URL of the acceptor, for the page that people submit jobs on; without it the page only follows jobs"`

	ListenAddr     string         `env:"LISTEN_ADDR" envDefault:":8081" help:"address to listen on; port 0 takes a free one"`
	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" help:"networks whose X-Forwarded-For is believed, as CIDR, separated by commas"`
	AllowedOrigins []string       `env:"CORS_ALLOWED_ORIGINS" help:"origins whose pages may call this service, separated by commas, or *"`

	Rate settings.Rate

	Retention         time.Duration `env:"RETENTION" envDefault:"168h" help:"how long jobs are known"`
	ResultURLLifetime time.Duration `env:"RESULT_URL_LIFETIME" envDefault:"10m" help:"how long the link to a result works; an answer may give one of which a twentieth is over"`

	DrainDelay      time.Duration `env:"DRAIN_DELAY" envDefault:"0s" help:"how long a stopping service says not ready before it stops listening"`
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"30s" help:"how long requests in flight may take when the service stops"`
	LogLevel        slog.Level    `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`

	Profiling profiling.Settings
}

// maxResultURLLifetime is how long a user delegation key can be valid.
const maxResultURLLifetime = 7 * 24 * time.Hour

// check gives an error that names each wrong setting.
func (c *config) check() error {
	return settings.Check(c.Storage.Check(), c.Auth.Check(), settings.Address("LISTEN_ADDR", c.ListenAddr),
		settings.Valid("AUTH_READ_ROLES", auth.CheckNames(c.ReadRoles)), settings.Valid("AUTH_CANCEL_ROLES", auth.CheckNames(c.CancelRoles)),
		settings.Valid("CORS_ALLOWED_ORIGINS", web.CheckOrigins(c.AllowedOrigins)),
		settings.Valid("ACCEPTOR_BASE_URL", c.checkAcceptorBaseURL()),
		settings.Positive("RETENTION", c.Retention), c.Rate.Check(), c.checkResultURLLifetime(), settings.Positive("SHUTDOWN_TIMEOUT", c.ShutdownTimeout), c.Profiling.Check())
}

func (c *config) checkAcceptorBaseURL() error {
	if c.AcceptorBaseURL == "" {
		return nil
	}
	_, err := web.OriginOf(c.AcceptorBaseURL)
	return err
}

func (c *config) checkResultURLLifetime() error {
	if c.ResultURLLifetime > maxResultURLLifetime {
		return settings.Wrong("RESULT_URL_LIFETIME", fmt.Errorf("%s is above %s", c.ResultURLLifetime, maxResultURLLifetime))
	}
	return settings.Positive("RESULT_URL_LIFETIME", c.ResultURLLifetime)
}

// roles gives those of which a caller needs one.
func (c *config) roles(request *http.Request) []string {
	if request.Method == http.MethodDelete {
		return c.CancelRoles
	}
	return c.ReadRoles
}

// ticketKeys reads a key ring.
type ticketKeys struct{ *job.KeyRing }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *ticketKeys) UnmarshalText(text []byte) (err error) {
	k.KeyRing, err = job.ParseKeyRing(string(text))
	return err
}
