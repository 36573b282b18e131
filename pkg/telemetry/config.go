package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// protocol is the one that is spoken.
const protocol = "http/protobuf"

// Config says where traces and metrics go. The names are those of the
// OpenTelemetry specification, whose other variables (OTEL_EXPORTER_OTLP_HEADERS,
// OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES and so on) are read from the
// environment of the process by the SDK itself.
type Config struct {
	Endpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"base URL of an OpenTelemetry collector that takes traces and metrics by OTLP over HTTP; none if empty"`
	Protocol string `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf" help:"the only one spoken; with another, nothing is sent, and the log says so"`
}

// Check gives an error for an endpoint that is no URL.
func (c *Config) Check() error {
	if c.Endpoint == "" {
		return nil
	}
	parsed, err := url.Parse(c.Endpoint)
	if err == nil && (parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || parsed.RawQuery != "" || parsed.Fragment != "") {
		err = errors.New("not an absolute http or https URL")
	}
	if err != nil {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %q is not a URL such as http://127.0.0.1:4318", c.Endpoint)
	}
	return nil
}

// Start begins to send what a service tells. It makes no request. It gives nil
// if there is no endpoint, or one that speaks another protocol: that is no
// reason not to serve.
func (c *Config) Start(ctx context.Context, service, version string, log *slog.Logger) (*Telemetry, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	if c.Protocol != "" && c.Protocol != protocol {
		log.Warn("no telemetry is sent: this protocol is not spoken", "OTEL_EXPORTER_OTLP_PROTOCOL", c.Protocol, "spoken", protocol)
		return nil, nil
	}
	t, err := start(ctx, strings.TrimSuffix(c.Endpoint, "/"), service, version, log)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return t, nil
}
