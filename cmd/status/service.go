package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/auth"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/estimate"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/status"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// service is the status service with what it stands on.
type service struct {
	cfg     *config
	log     *slog.Logger
	auth    *auth.Authenticator
	storage *azure.Clients
	records *tablestore.Store
	results *blobstore.Container
	learned *estimate.Estimator
	status  *status.Service
}

// newService wires the parts up. It makes no request.
func newService(cfg *config, log *slog.Logger) (*service, error) {
	operations, err := operation.Load(cfg.OperationsFile)
	if err != nil {
		return nil, settings.Wrong("OPERATIONS_FILE", err)
	}
	longest := operations.LongestQueueTimeout()
	if cfg.Retention <= longest {
		return nil, settings.Wrong("RETENTION", fmt.Errorf("%s is not longer than the longest queueTimeout in OPERATIONS_FILE, %s", cfg.Retention, longest))
	}
	s := &service{cfg: cfg, log: log}
	if s.auth, err = cfg.Auth.Open(&auth.Options{Logger: log}); err != nil {
		return nil, err
	}
	if s.storage, err = cfg.Storage.Open(nil); err != nil {
		s.close()
		return nil, err
	}
	tables := &tablestore.Options{TablePrefix: cfg.Storage.TablePrefix}
	s.records = tablestore.New(s.storage.Tables, tables)
	s.results = blobstore.New(s.storage.Blobs, &blobstore.Options{ResultContainer: cfg.Storage.ResultContainer}).Results()
	s.learned, err = estimate.NewEstimator(&estimate.Options{Store: tablestore.NewEstimates(s.storage.Tables, tables), Now: s.storage.Now, Logger: log})
	if err != nil {
		s.close()
		return nil, err
	}
	s.status, err = status.New(&status.Options{
		BaseURL: cfg.StatusBaseURL,
		Owner:   s.auth.Owner(cfg.roles),
		Keys:    cfg.TicketKeys.KeyRing,
		Records: s.records,
		Results: s.results,
		Signer: blobstore.NewSigner(s.storage.Blobs, s.storage.SharedKey, &blobstore.SignerOptions{
			Container: cfg.Storage.ResultContainer,
			Lifetime:  cfg.ResultURLLifetime,
			Now:       s.storage.Now,
		}),
		Estimate:     s.learned.Pending,
		Limiter:      cfg.Rate.Limiter(),
		Retention:    cfg.Retention,
		QueueTimeout: longest,
	})
	if err != nil {
		s.close()
		return nil, settings.Wrong("STATUS_BASE_URL", cmp.Or(errors.Unwrap(err), err))
	}
	return s, nil
}

// serve serves until ctx is done.
func (s *service) serve(ctx context.Context) error {
	withFailpoints()
	health := web.NewHealth(&web.HealthOptions{Logger: s.log}, append(s.auth.Checks(),
		web.Check{Name: "records", Func: s.records.Ready},
		web.Check{Name: "results", Func: s.results.Ready},
	)...)
	e := web.New(&web.Options{Logger: s.log, TrustedProxies: s.cfg.TrustedProxies})
	if err := s.forBrowsers(e); err != nil {
		return err
	}
	health.Register(e)
	s.status.Register(e)
	return web.Serve(ctx, &web.ServeOptions{
		Addr:            s.cfg.ListenAddr,
		Handler:         e,
		Logger:          s.log,
		Health:          health,
		DrainDelay:      s.cfg.DrainDelay,
		ShutdownTimeout: s.cfg.ShutdownTimeout,
		OnShutdown:      s.status.Close,
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

// close ends requests that nobody waits for any more.
func (s *service) close() {
	s.auth.Close()
	if s.learned != nil {
		s.learned.Close()
	}
	if s.storage != nil {
		s.storage.Close()
	}
}
