package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/child"
	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// config is what flags and environment say; a flag wins.
type config struct {
	Ports        string        `env:"LOCAL_PORTS" envDefault:"default"`
	Acceptor     string        `env:"LOCAL_ACCEPTOR" envDefault:"127.0.0.1:8080"`
	Status       string        `env:"LOCAL_STATUS" envDefault:"127.0.0.1:8081"`
	AMQP         string        `env:"LOCAL_AMQP" envDefault:"127.0.0.1:5672"`
	Admin        string        `env:"LOCAL_ADMIN" envDefault:"127.0.0.1:5300"`
	BlobPort     int           `env:"LOCAL_BLOB_PORT" envDefault:"10000"`
	TablePort    int           `env:"LOCAL_TABLE_PORT" envDefault:"10002"`
	Operations   string        `env:"LOCAL_OPERATIONS" envDefault:"deploy/operations.yaml"`
	Workers      int           `env:"LOCAL_WORKERS" envDefault:"1"`
	Dir          string        `env:"LOCAL_DIR" envDefault:".local"`
	Data         string        `env:"LOCAL_DATA"`
	BrokerConfig string        `env:"LOCAL_BROKER_CONFIG"`
	Bin          string        `env:"LOCAL_BIN"`
	SoftStop     time.Duration `env:"WORKER_SOFT_STOP" envDefault:"30s"`
	Cache        string        `env:"ASYNCREPLY_CACHE"`
	Origins      string        `env:"CORS_ALLOWED_ORIGINS" envDefault:"*"`
	BlobOrigins  string        `env:"LOCAL_BLOB_ORIGINS" envDefault:"*"`

	environ []string
}

var errVersion = errors.New("version asked for")

func parse(args, environ []string, stdout io.Writer) (*config, error) {
	cfg := &config{environ: environ}
	if err := settings.Parse(cfg, environ); err != nil {
		return nil, err
	}
	flags := cfg.flags()
	showVersion := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stdout, "Runs Azurite, the Service Bus broker and the three services on this machine.")
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return nil, err
	} else if err != nil {
		return nil, settings.Wrong("flags", err)
	}
	if *showVersion {
		fmt.Fprintln(stdout, "local", version)
		return nil, errVersion
	}
	if flags.NArg() > 0 {
		return nil, settings.Wrong("flags", fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return cfg, cfg.checkPorts()
}

func (c *config) flags() *flag.FlagSet {
	f := flag.NewFlagSet("local", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.Ports, "ports", c.Ports, "default, or free to take any free ports (LOCAL_PORTS)")
	f.StringVar(&c.Acceptor, "acceptor", c.Acceptor, "address of the acceptor (LOCAL_ACCEPTOR)")
	f.StringVar(&c.Status, "status", c.Status, "address of the status service (LOCAL_STATUS)")
	f.StringVar(&c.AMQP, "amqp", c.AMQP, "address of the Service Bus broker (LOCAL_AMQP)")
	f.StringVar(&c.Admin, "admin", c.Admin, "address of the broker's administration over HTTP (LOCAL_ADMIN)")
	f.IntVar(&c.BlobPort, "blob-port", c.BlobPort, "port of Azurite's blob service (LOCAL_BLOB_PORT)")
	f.IntVar(&c.TablePort, "table-port", c.TablePort, "port of Azurite's table service (LOCAL_TABLE_PORT)")
	f.StringVar(&c.Operations, "operations", c.Operations, "operations `file` (LOCAL_OPERATIONS)")
	f.IntVar(&c.Workers, "workers", c.Workers, "number of worker processes (LOCAL_WORKERS)")
	f.StringVar(&c.Dir, "dir", c.Dir, "`folder` for the settings file that further processes start with (LOCAL_DIR)")
	f.StringVar(&c.Data, "data", c.Data, "`folder` to keep blobs and tables in; memory by default (LOCAL_DATA)")
	f.StringVar(&c.BrokerConfig, "broker-config", c.BrokerConfig, "queues of the broker, a `file` in the format of Microsoft's emulator (LOCAL_BROKER_CONFIG)")
	f.StringVar(&c.Bin, "bin", c.Bin, "`folder` of the services' binaries; this one's own by default (LOCAL_BIN)")
	f.StringVar(&c.Origins, "origins", c.Origins, "origins whose pages may call the services, separated by commas, or * (CORS_ALLOWED_ORIGINS)")
	f.StringVar(&c.BlobOrigins, "blob-origins", c.BlobOrigins, "origins whose pages may read results, separated by commas, or * (LOCAL_BLOB_ORIGINS)")
	return f
}

// complete checks the settings and fills in what follows from them.
func (c *config) complete() error {
	switch c.Ports {
	case "default":
	case "free":
		if err := c.takeFreePorts(); err != nil {
			return err
		}
	default:
		return settings.Wrong("ports", fmt.Errorf("%q is not default or free", c.Ports))
	}
	if c.Workers < 0 || c.Workers > 64 {
		return settings.Wrong("workers", fmt.Errorf("%d is not between 0 and 64", c.Workers))
	}
	for name, origins := range map[string]string{"origins": c.Origins, "blob-origins": c.BlobOrigins} {
		if err := web.CheckOrigins(strings.Split(origins, ",")); err != nil {
			return settings.Wrong(name, err)
		}
	}
	if _, err := os.Stat(c.Operations); err != nil {
		return settings.Wrong("operations", err)
	}
	if c.Bin == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		c.Bin = filepath.Dir(self)
	}
	return nil
}

// checkPorts says which address is taken before anything is started.
func (c *config) checkPorts() error {
	for _, fixed := range []struct{ flag, address string }{
		{"acceptor", c.Acceptor},
		{"status", c.Status},
		{"amqp", c.AMQP},
		{"admin", c.Admin},
		{"blob-port", fmt.Sprintf("127.0.0.1:%d", c.BlobPort)},
		{"table-port", fmt.Sprintf("127.0.0.1:%d", c.TablePort)},
	} {
		listener, err := net.Listen("tcp", fixed.address)
		if err != nil {
			return fmt.Errorf("%w; choose another by --%s, or any by --ports free", err, fixed.flag)
		}
		listener.Close()
	}
	return nil
}

// takeFreePorts finds free ports for the two services, whose URLs must be
// known before they start. Everything else finds its own.
func (c *config) takeFreePorts() error {
	c.AMQP, c.Admin, c.BlobPort, c.TablePort = "127.0.0.1:0", "127.0.0.1:0", 0, 0
	free, err := child.FreeAddresses(2)
	if err != nil {
		return err
	}
	c.Acceptor, c.Status = free[0], free[1]
	return nil
}
