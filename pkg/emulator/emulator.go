package emulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/wire"
)

// Options of a broker. The zero value, or nil, is a broker on free ports of 127.0.0.1 with [DefaultConfig].
type Options struct {
	// Config says which queues there are at the start. Nil means DefaultConfig.
	Config *Config

	// AMQPAddr and AdminAddr are where the broker and its management API listen, "127.0.0.1:0" by default. Microsoft's
	// emulator has ports 5672 and 5300.
	AMQPAddr, AdminAddr string

	// Logger gets what the broker has to say. Nil means nothing is logged.
	Logger *slog.Logger

	// MaxFrameSize is the longest AMQP frame in bytes that the broker takes, 64 KiB by default.
	MaxFrameSize uint32

	// IdleTimeout is how long a peer may be silent before it should send a heartbeat, 2 minutes by default. A connection
	// that is silent for twice as long is closed.
	IdleTimeout time.Duration
}

const anyPort = "127.0.0.1:0"

// Broker is a running Service Bus broker. It is safe for concurrent use.
type Broker struct {
	namespace   *queue.Namespace
	logger      *slog.Logger
	amqp, admin net.Listener
	wire        *wire.Server
	server      *http.Server

	serving sync.WaitGroup
	closing sync.Once
}

// Start listens and serves until [Broker.Close]. It fails if an address cannot be had or a queue's description is invalid.
func Start(opts *Options) (*Broker, error) {
	o := opts.withDefaults()
	n := queue.NewNamespace()
	b := &Broker{
		namespace: n,
		logger:    o.Logger,
		wire: wire.NewServer(wire.Options{
			Namespace: n, Logger: o.Logger, MaxFrameSize: o.MaxFrameSize, IdleTimeout: o.IdleTimeout,
		}),
		server: newAdminServer(n, o.Logger),
	}
	if err := b.start(o); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Broker) start(o Options) error {
	for _, warning := range o.Config.Warnings {
		b.logger.Warn(warning)
	}
	for _, q := range o.Config.Queues {
		if err := b.CreateQueue(q); err != nil {
			return err
		}
	}
	var err error
	if b.amqp, err = net.Listen("tcp", o.AMQPAddr); err != nil {
		return fmt.Errorf("emulator: AMQP: %w", err)
	}
	if b.admin, err = net.Listen("tcp", o.AdminAddr); err != nil {
		return fmt.Errorf("emulator: admin: %w", err)
	}
	b.serve()
	return nil
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Config == nil {
		d.Config = DefaultConfig()
	}
	if d.AMQPAddr == "" {
		d.AMQPAddr = anyPort
	}
	if d.AdminAddr == "" {
		d.AdminAddr = anyPort
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

// ConnectionString is what Service Bus SDKs connect by. Any key is taken.
func (b *Broker) ConnectionString() string {
	return "Endpoint=sb://" + reachable(b.AMQPAddr()) + ";SharedAccessKeyName=RootManageSharedAccessKey;" +
		"SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
}

// AMQPAddr is the host and port that speak AMQP.
func (b *Broker) AMQPAddr() string { return b.amqp.Addr().String() }

// AdminAddr is the host and port of the management API and of /health.
func (b *Broker) AdminAddr() string { return b.admin.Addr().String() }

// reachable replaces an address that means every interface by one that a client on this machine can dial.
func reachable(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// serve starts to answer on both listeners.
func (b *Broker) serve() {
	b.serving.Go(func() {
		if err := b.wire.Serve(b.amqp); !errors.Is(err, wire.ErrServerClosed) {
			b.logger.Error("AMQP stopped", "error", err)
		}
	})
	b.serving.Go(func() {
		if err := b.server.Serve(b.admin); !errors.Is(err, http.ErrServerClosed) {
			b.logger.Error("admin stopped", "error", err)
		}
	})
}

// Close ends all connections and gives back both ports. It leaves no goroutine behind. All messages are lost.
func (b *Broker) Close() error {
	b.closing.Do(func() {
		_ = b.wire.Close()
		b.closeAdmin()
		b.namespace.Close()
		for _, l := range []net.Listener{b.amqp, b.admin} {
			if l != nil {
				_ = l.Close()
			}
		}
		b.serving.Wait()
	})
	return nil
}

// closeAdmin lets requests that are being answered end, so that their goroutines have ended too, but not for long.
func (b *Broker) closeAdmin() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if b.server.Shutdown(ctx) != nil {
		_ = b.server.Close()
	}
}
