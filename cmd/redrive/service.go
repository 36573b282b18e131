package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/redrive"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// closeTimeout bounds the orderly end of the connections to the queue.
const closeTimeout = 5 * time.Second

// service is what the command stands on.
type service struct {
	cfg     *config
	log     *slog.Logger
	storage *azure.Clients
	records *tablestore.Store
	dead    *servicebus.Receiver
	sender  *servicebus.Sender
}

// newService wires the parts up. It makes no request that it waits for.
func newService(cfg *config, log *slog.Logger) (*service, error) {
	s := &service{cfg: cfg, log: log}
	if err := s.connect(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *service) connect() (err error) {
	if s.storage, err = s.cfg.Storage.Open(nil); err != nil {
		return err
	}
	s.records = tablestore.New(s.storage.Tables, &tablestore.Options{TablePrefix: s.cfg.Storage.TablePrefix})
	connect, err := s.cfg.ServiceBus.Connector(nil)
	if err != nil {
		return err
	}
	name := s.cfg.ServiceBus.Queue
	if s.dead, err = servicebus.NewReceiver(connect, name, &servicebus.ReceiverOptions{DeadLetters: true, Logger: s.log}); err != nil {
		return err
	}
	s.sender, err = servicebus.NewSender(connect, name, &servicebus.SenderOptions{Logger: s.log})
	return err
}

// redrive writes one line for each message and one in the end. It gives an
// error unless all that was selected was dealt with.
func (s *service) redrive(ctx context.Context, choice *selection, stdout io.Writer) error {
	var mu sync.Mutex
	summary, err := redrive.Run(ctx, &redrive.Options{
		DeadLetters: s.dead, Scheduler: s.sender, Records: s.records, Retention: s.cfg.Retention,
		Select: choice.selects, DryRun: choice.dryRun, Logger: s.log,
		Report: func(o redrive.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(stdout, "%s id=%s operation=%q reason=%q sequence=%d", o.Action, o.ID, o.Operation, o.Reason, o.SequenceNumber)
			if o.Detail != "" {
				fmt.Fprintf(stdout, " detail=%q", o.Detail)
			}
			fmt.Fprintln(stdout)
		},
	})
	fmt.Fprintf(stdout, "redrive: redriven=%d removed=%d skipped=%d failed=%d dry-run=%t\n",
		summary[redrive.Redriven], summary[redrive.Removed], summary[redrive.Skipped], summary[redrive.Failed], choice.dryRun)
	if err == nil && summary[redrive.Failed] > 0 {
		err = errors.New("some messages could not be dealt with; run it again")
	}
	return err
}

// close disconnects.
func (s *service) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var err error
	if s.dead != nil {
		err = s.dead.Close(ctx)
	}
	if s.sender != nil {
		err = errors.Join(err, s.sender.Close(ctx))
	}
	if err != nil {
		s.log.Warn("closing the connections to the queue failed", "error", err)
	}
	if s.storage != nil {
		s.storage.Close()
	}
}
