package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/status"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/web"
)

const usage = `Tells callers how their jobs stand: polling, redirects to results, events, cancels.

Usage: status [--help | --version]

Environment:
  TICKET_KEYS                 the acceptor's ticket keys: base64, separated by commas
  OPERATIONS_FILE             path of the operations file
  STATUS_BASE_URL             URL that callers reach this service by; links in answers begin with it
  STORAGE_CONNECTION_STRING   storage account with its key; or, with Entra credentials:
  STORAGE_BLOB_ENDPOINT       as in https://example.blob.core.windows.net
  STORAGE_TABLE_ENDPOINT      as in https://example.table.core.windows.net
  PAYLOAD_CONTAINER           blob container of large payloads [payloads]
  RESULT_CONTAINER            blob container of results [results]
  TABLE_PREFIX                what the names of the tables of job records begin with [jobs]
  LISTEN_ADDR                 address to listen on; port 0 takes a free one [:8081]
  TRUSTED_PROXIES             networks whose X-Forwarded-For is believed: CIDRs, separated by commas
  RETENTION                   how long jobs are known [168h]
  RESULT_URL_LIFETIME         how long a link to a result works [10m]
  LOG_LEVEL                   debug, info, warn or error [info]
`

// run serves until ctx is done.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		return answer(args, stdout)
	}
	c, err := configure(environ)
	if err != nil {
		return err
	}
	return serve(ctx, c, slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel})))
}

// answer handles the arguments that want a line or two and no service.
func answer(args []string, stdout io.Writer) error {
	text := usage
	switch {
	case len(args) > 1:
		return usageError{fmt.Errorf("unexpected argument %q; the environment configures this program, see --help", args[1])}
	case args[0] == "--version" || args[0] == "-version":
		text = "status " + version + "\n"
	case args[0] != "--help" && args[0] != "-help" && args[0] != "-h":
		return usageError{fmt.Errorf("unexpected argument %q; the environment configures this program, see --help", args[0])}
	}
	_, err := io.WriteString(stdout, text)
	return err
}

func serve(ctx context.Context, c *config, log *slog.Logger) error {
	clients, err := c.Storage.Open(nil)
	if err != nil {
		return err
	}
	defer clients.Close()
	records := tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: c.TablePrefix})
	results := blobstore.New(clients.Blobs, &blobstore.Options{ResultContainer: c.ResultContainer}).Results()
	service, err := status.New(&status.Options{
		BaseURL: c.StatusBaseURL,
		Keys:    c.keys,
		Records: records,
		Results: results,
		Signer: blobstore.NewSigner(clients.Blobs, clients.SharedKey, &blobstore.SignerOptions{
			Container: c.ResultContainer,
			Lifetime:  c.ResultURLLifetime,
		}),
		Retention:    c.Retention,
		QueueTimeout: c.operations.LongestQueueTimeout(),
	})
	if err != nil {
		return err
	}
	health := web.NewHealth(&web.HealthOptions{Logger: log},
		web.Check{Name: "tables", Func: records.Ready},
		web.Check{Name: "results", Func: results.Ready})
	e := web.New(&web.Options{Logger: log, TrustedProxies: c.TrustedProxies})
	health.Register(e)
	service.Register(e)
	return web.Serve(ctx, &web.ServeOptions{
		Addr:        c.ListenAddr,
		Handler:     e,
		Logger:      log,
		Health:      health,
		OnListening: func(a net.Addr) { log.Info("listening", "address", a.String(), "version", version) },
		OnShutdown:  service.Close,
	})
}
