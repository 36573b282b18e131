package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// config is what the environment says.
type config struct {
	azure.Storage
	TicketKeys        string         `env:"TICKET_KEYS"`
	OperationsFile    string         `env:"OPERATIONS_FILE"`
	StatusBaseURL     string         `env:"STATUS_BASE_URL"`
	ListenAddr        string         `env:"LISTEN_ADDR" envDefault:":8081"`
	TrustedProxies    []netip.Prefix `env:"TRUSTED_PROXIES"`
	Retention         time.Duration  `env:"RETENTION" envDefault:"168h"`
	ResultURLLifetime time.Duration  `env:"RESULT_URL_LIFETIME" envDefault:"10m"`
	LogLevel          slog.Level     `env:"LOG_LEVEL" envDefault:"info"`

	keys       *job.KeyRing
	operations *operation.Set
}

// usageError is a wrong setting or argument: a line for each, which names it.
type usageError struct{ error }

// maxResultURLLifetime is how long a user delegation key can be valid.
const maxResultURLLifetime = 7 * 24 * time.Hour

// configure reads the settings and checks all of them.
func configure(environ []string) (*config, error) {
	c := &config{}
	if err := env.ParseWithOptions(c, env.Options{Environment: env.ToMap(environ)}); err != nil {
		return nil, usageError{malformed(err)}
	}
	err := errors.Join(c.Storage.Check(), c.checkKeys(), c.checkOperations(), c.checkAddresses(), c.checkTimes())
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// malformed names the variables of the fields that could not be read.
func malformed(err error) error {
	aggregate, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return err
	}
	var lines []error
	for _, one := range aggregate.Errors {
		if p, ok := errors.AsType[env.ParseError](one); ok {
			field, _ := reflect.TypeFor[config]().FieldByName(p.Name)
			one = fmt.Errorf("%s is malformed: %w", field.Tag.Get("env"), p.Err)
		}
		lines = append(lines, one)
	}
	return errors.Join(lines...)
}

func (c *config) checkKeys() (err error) {
	if c.TicketKeys == "" {
		return errors.New("TICKET_KEYS is missing; give the acceptor's keys, in base64, separated by commas")
	}
	if c.keys, err = job.ParseKeyRing(c.TicketKeys); err != nil {
		return fmt.Errorf("TICKET_KEYS: %w", err)
	}
	return nil
}

func (c *config) checkOperations() (err error) {
	if c.OperationsFile == "" {
		return errors.New("OPERATIONS_FILE is missing; give the path of the operations file")
	}
	if c.operations, err = operation.Load(c.OperationsFile); err != nil {
		return fmt.Errorf("OPERATIONS_FILE: %w", err)
	}
	if longest := c.operations.LongestQueueTimeout(); c.Retention > 0 && c.Retention <= longest {
		return fmt.Errorf("RETENTION %s is not longer than the longest queueTimeout in OPERATIONS_FILE, %s", c.Retention, longest)
	}
	return nil
}

func (c *config) checkAddresses() error {
	var wrong []error
	u, err := url.Parse(c.StatusBaseURL)
	switch {
	case c.StatusBaseURL == "":
		wrong = append(wrong, errors.New("STATUS_BASE_URL is missing; give the URL that callers reach this service by"))
	case err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		wrong = append(wrong, fmt.Errorf("STATUS_BASE_URL %q is not an absolute http or https URL without user, query and fragment", c.StatusBaseURL))
	}
	if _, port, err := net.SplitHostPort(c.ListenAddr); err != nil || strings.Trim(port, "0123456789") != "" || port == "" {
		wrong = append(wrong, fmt.Errorf("LISTEN_ADDR %q is not host:port or :port", c.ListenAddr))
	}
	return errors.Join(wrong...)
}

func (c *config) checkTimes() error {
	var wrong []error
	if c.Retention <= 0 {
		wrong = append(wrong, fmt.Errorf("RETENTION %s is not above 0", c.Retention))
	}
	if c.ResultURLLifetime <= 0 || c.ResultURLLifetime > maxResultURLLifetime {
		wrong = append(wrong, fmt.Errorf("RESULT_URL_LIFETIME %s is not above 0 and at most %s", c.ResultURLLifetime, maxResultURLLifetime))
	}
	return errors.Join(wrong...)
}
