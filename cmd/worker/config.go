package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/profiling"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/telemetry"
)

// config is what the environment says.
type config struct {
	ServiceBus azure.ServiceBus
	Storage    azure.Storage

	OperationsFile string `env:"OPERATIONS_FILE,notEmpty" help:"path of the operations file"`

	Concurrency     int           `env:"WORKER_CONCURRENCY" envDefault:"16" help:"handlers at a time; jobs whose handler has returned are stored beside them"`
	SoftStop        time.Duration `env:"WORKER_SOFT_STOP" envDefault:"30s" help:"how long jobs may go on when the worker stops, before they are left to another"`
	Heartbeat       time.Duration `env:"WORKER_HEARTBEAT" envDefault:"4s" help:"how often a running job's record is written, and how soon a cancel is seen"`
	Retention       time.Duration `env:"RETENTION" envDefault:"168h" help:"how long jobs are known, as the status service has it; what is older is dropped"`
	JanitorInterval time.Duration `env:"JANITOR_INTERVAL" envDefault:"1h" help:"how often the worker looks for what is past its retention"`
	HealthAddr      string        `env:"WORKER_HEALTH_ADDR" help:"address that answers /healthz and /readyz; none if empty; port 0 takes a free one"`
	LogLevel        slog.Level    `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`

	Profiling profiling.Settings
	Telemetry telemetry.Config
}

// maxConcurrency is as many messages as the queue gives at a time.
const maxConcurrency = 2048

// check gives an error that names each wrong setting.
func (c *config) check() error {
	return settings.Check(c.ServiceBus.Check(), c.Storage.Check(), c.checkConcurrency(), c.checkSoftStop(),
		settings.Positive("WORKER_HEARTBEAT", c.Heartbeat), settings.Positive("RETENTION", c.Retention),
		settings.Positive("JANITOR_INTERVAL", c.JanitorInterval), c.checkHealthAddr(), c.Profiling.Check(), c.Telemetry.Check())
}

func (c *config) checkConcurrency() error {
	if c.Concurrency >= 1 && c.Concurrency <= maxConcurrency {
		return nil
	}
	return settings.Wrong("WORKER_CONCURRENCY", fmt.Errorf("%d is not between 1 and %d", c.Concurrency, maxConcurrency))
}

func (c *config) checkSoftStop() error {
	if c.SoftStop >= 0 {
		return nil
	}
	return settings.Wrong("WORKER_SOFT_STOP", fmt.Errorf("%s is negative", c.SoftStop))
}

func (c *config) checkHealthAddr() error {
	if c.HealthAddr == "" {
		return nil
	}
	return settings.Address("WORKER_HEALTH_ADDR", c.HealthAddr)
}

// softStop gives what the worker's options want: there, 0 means the default.
func (c *config) softStop() time.Duration {
	if c.SoftStop == 0 {
		return -1
	}
	return c.SoftStop
}
