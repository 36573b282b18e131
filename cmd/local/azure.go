package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/localazure"
)

// queueName is the queue that the services share; the broker's configuration
// must have it.
const queueName = "jobs"

// startAzure starts Azurite, with what the services and pages need of it, and the
// broker.
func startAzure(ctx context.Context, cfg *config, output io.Writer, log *slog.Logger) (*localazure.Azure, error) {
	opts := &localazure.Options{
		Azurite: localazure.AzuriteOptions{CacheDir: cfg.Cache, BlobPort: cfg.BlobPort, TablePort: cfg.TablePort, Log: output},
		Broker:  emulator.Options{AMQPAddr: cfg.AMQP, AdminAddr: cfg.Admin, Logger: log},
	}
	if cfg.Data != "" {
		opts.Azurite.DataDir = filepath.Join(cfg.Data, "azurite")
	}
	if cfg.BrokerConfig != "" {
		var err error
		if opts.Broker.Config, err = emulator.LoadConfig(cfg.BrokerConfig); err != nil {
			return nil, settings.Wrong("broker-config", err)
		}
	}
	local, err := localazure.Start(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := prepareStorage(ctx, local.StorageConnectionString(), strings.Split(cfg.BlobOrigins, ",")); err != nil {
		local.Close()
		return nil, err
	}
	return local, nil
}

// prepareStorage makes the containers and lets pages of the given origins read
// results.
func prepareStorage(ctx context.Context, connectionString string, origins []string) error {
	storage := azure.Storage{ConnectionString: connectionString}
	clients, err := storage.Open(nil)
	if err != nil {
		return err
	}
	defer clients.Close()
	if err := blobstore.AllowPages(ctx, clients.Blobs, &blobstore.CORSOptions{AllowedOrigins: origins}); err != nil {
		return err
	}
	return blobstore.New(clients.Blobs, nil).EnsureContainers(ctx)
}
