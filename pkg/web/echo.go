package web

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
)

// Options are the settings of [New]. The zero value is usable.
type Options struct {
	Logger *slog.Logger // access log; nil: none

	// AccessLevel is the level of access log lines about requests that did not
	// fail with a 5xx, which are logged as errors. Zero: Info. Health probes
	// are logged as Debug.
	AccessLevel slog.Level

	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	// None: the client's address is that of the connection.
	TrustedProxies []netip.Prefix

	// A body may be waited for BodyGrace in all plus the time that its bytes
	// so far would have taken at BodyRate, and WriteTimeout bounds one wait.
	BodyGrace time.Duration // default 10 s
	BodyRate  int64         // bytes a second, default 1 KiB

	// WriteTimeout bounds each wait for the client: to send more of a body or
	// to take more of an answer. Default 30 s.
	WriteTimeout time.Duration
}

func (o *Options) withDefaults() Options {
	var filled Options
	if o != nil {
		filled = *o
	}
	if filled.Logger == nil {
		filled.Logger = slog.New(slog.DiscardHandler)
	}
	if filled.BodyGrace <= 0 {
		filled.BodyGrace = 10 * time.Second
	}
	if filled.BodyRate <= 0 {
		filled.BodyRate = 1 << 10
	}
	if filled.WriteTimeout <= 0 {
		filled.WriteTimeout = 30 * time.Second
	}
	return filled
}

// New makes an Echo instance with the behaviour that the package
// documentation describes. Serve it with [Serve].
func New(opts *Options) *echo.Echo {
	o := opts.withDefaults()
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.IPExtractor = clientIP(o.TrustedProxies)
	e.HTTPErrorHandler = ErrorHandler
	e.JSONSerializer = jsonSerializer{}
	e.Use(o.around)
	return e
}

// around is what every request and every answer goes through.
func (o *Options) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		o.observe(c, o.guard(c), next)
		return nil
	}
}

// clientIP gives the address of the nearest peer that is not a trusted proxy.
// Echo itself would trust X-Forwarded-For from anybody.
func clientIP(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range trusted {
		prefix = prefix.Masked()
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP:   prefix.Addr().AsSlice(),
			Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// jsonSerializer writes JSON without the escapes that JSON inside HTML needs,
// so that URLs stay readable.
type jsonSerializer struct{ echo.DefaultJSONSerializer }

// Serialize implements [echo.JSONSerializer].
func (jsonSerializer) Serialize(c echo.Context, value any, indent string) error {
	encoder := json.NewEncoder(c.Response())
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	return encoder.Encode(value)
}
