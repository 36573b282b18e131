package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/auth"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/estimate"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/openapi"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/telemetry"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// closeTimeout bounds the orderly end of the connection to the queue.
const closeTimeout = 5 * time.Second

// service is the acceptor with what it stands on.
type service struct {
	cfg      *config
	log      *slog.Logger
	auth     *auth.Authenticator
	storage  *azure.Clients
	payloads *blobstore.Container
	sender   *servicebus.Sender
	learned  *estimate.Estimator
	acceptor *acceptor.Acceptor
	openapi  *openapi.Description
	told     *telemetry.Telemetry // nil: nobody asked
}

// newService wires the parts up. It makes no request that it waits for.
func newService(cfg *config, log *slog.Logger) (*service, error) {
	operations, err := operation.Load(cfg.OperationsFile)
	if err != nil {
		return nil, settings.Wrong("OPERATIONS_FILE", err)
	}
	s := &service{cfg: cfg, log: log}
	if err := s.connect(); err != nil {
		s.close()
		return nil, err
	}
	if s.told, err = cfg.Telemetry.Start(context.Background(), "acceptor", version, log); err != nil {
		s.close()
		return nil, err
	}
	opts, err := withFailpoints(acceptor.Options{
		Operations:    operations,
		Issuer:        job.NewIssuer(cfg.TicketKeys.KeyRing, nil),
		Sender:        s.sender,
		Payloads:      s.payloads,
		StatusBaseURL: cfg.StatusBaseURL,
		Owner:         s.auth.Owner(func(*http.Request) []string { return cfg.SubmitRoles }),
		RetryAfter:    s.learned.Submitted,
		Reservations:  tablestore.NewReservations(s.storage.Tables, s.tables()),
		KeyLifetime:   cfg.KeyLifetime,
		Limiter:       cfg.Rate.Limiter(),
		MaxInFlight:   cfg.MaxInFlight,
		InlineLimit:   int(s.sender.MaxMessageSize()),
		SendTimeout:   cfg.SendTimeout,
	})
	if err != nil {
		s.close()
		return nil, err
	}
	if s.acceptor, err = acceptor.New(&opts); err != nil {
		s.close()
		return nil, settings.Wrong("STATUS_BASE_URL", errors.Unwrap(err))
	}
	if s.openapi, err = openapi.Acceptor(operations, version); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *service) connect() (err error) {
	if s.auth, err = s.cfg.Auth.Open(&auth.Options{Logger: s.log}); err != nil {
		return err
	}
	if s.storage, err = s.cfg.Storage.Open(nil); err != nil {
		return err
	}
	s.payloads = blobstore.New(s.storage.Blobs, &blobstore.Options{
		PayloadContainer: s.cfg.Storage.PayloadContainer,
		ResultContainer:  s.cfg.Storage.ResultContainer,
	}).Payloads()
	s.learned, err = estimate.NewEstimator(&estimate.Options{Store: tablestore.NewEstimates(s.storage.Tables, s.tables()), Now: s.storage.Now, Logger: s.log})
	if err != nil {
		return err
	}
	connect, err := s.cfg.ServiceBus.Connector(nil)
	if err != nil {
		return err
	}
	s.sender, err = servicebus.NewSender(connect, s.cfg.ServiceBus.Queue, &servicebus.SenderOptions{
		Timeout: s.cfg.SendTimeout, Logger: s.log,
	})
	return err
}

func (s *service) tables() *tablestore.Options {
	return &tablestore.Options{TablePrefix: s.cfg.Storage.TablePrefix}
}

// serve serves until ctx is done.
func (s *service) serve(ctx context.Context) error {
	health := web.NewHealth(&web.HealthOptions{Logger: s.log}, append(s.auth.Checks(),
		web.Check{Name: "queue", Func: s.sender.Ready},
		web.Check{Name: "payloads", Func: s.payloadsReady},
	)...)
	e := web.New(&web.Options{Logger: s.log, TrustedProxies: s.cfg.TrustedProxies})
	cors, err := s.cfg.cors()
	if err != nil {
		return err
	}
	e.Use(cors)
	health.Register(e)
	s.acceptor.Register(e)
	s.openapi.Register(e)
	return web.Serve(ctx, &web.ServeOptions{
		Addr:            s.cfg.ListenAddr,
		Handler:         s.told.Handler(e),
		Logger:          s.log,
		Health:          health,
		DrainDelay:      s.cfg.DrainDelay,
		ShutdownTimeout: s.cfg.ShutdownTimeout,
		OnListening: func(addr net.Addr) {
			s.log.Info("listening", "address", addr.String(), "version", version)
			if failing := health.Failing(); len(failing) == 0 {
				s.log.Info("ready", "address", addr.String())
			} else {
				s.log.Warn("not ready", "failing", strings.Join(failing, ", "))
			}
		},
	})
}

// payloadsReady makes the container where there is none, as on a new Azurite.
func (s *service) payloadsReady(ctx context.Context) error {
	err := s.payloads.Ready(ctx)
	if errors.Is(err, job.ErrNotFound) {
		return s.payloads.Ensure(ctx)
	}
	return err
}

// close disconnects.
func (s *service) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	s.auth.Close()
	if s.sender != nil {
		if err := s.sender.Close(ctx); err != nil {
			s.log.Warn("closing the connection to the queue failed", "error", err)
		}
	}
	if s.learned != nil {
		s.learned.Close()
	}
	if s.storage != nil {
		s.storage.Close()
	}
	if err := s.told.Close(ctx); err != nil {
		s.log.Warn("sending the last telemetry failed", "error", err)
	}
}
