package localazure

import (
	"context"
	"errors"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// Options change how Start starts the services. The zero value keeps everything in memory, on free ports, with the
// queues of emulator.DefaultConfig.
type Options struct {
	Azurite AzuriteOptions
	Broker  emulator.Options
}

// Azure is a running storage account and a running Service Bus namespace.
type Azure struct {
	azurite *Azurite
	broker  *emulator.Broker
}

// Start starts Azurite and the broker and returns when both answer. The context limits the start only. opts may be
// nil. A port that is taken gives an error that is syscall.EADDRINUSE.
func Start(ctx context.Context, opts *Options) (*Azure, error) {
	if opts == nil {
		opts = new(Options)
	}
	broker, err := StartBroker(ctx, &opts.Broker)
	if err != nil {
		return nil, err
	}
	azurite, err := StartAzurite(ctx, &opts.Azurite)
	if err != nil {
		return nil, errors.Join(err, broker.Close())
	}
	return &Azure{azurite: azurite, broker: broker}, nil
}

// Azurite returns the storage account's service.
func (a *Azure) Azurite() *Azurite { return a.azurite }

// Broker returns the Service Bus namespace's service, whose faults tests can ask for.
func (a *Azure) Broker() *emulator.Broker { return a.broker }

// StorageConnectionString returns the connection string of the storage account.
func (a *Azure) StorageConnectionString() string { return a.azurite.ConnectionString() }

// BlobEndpoint returns the URL of the account's blobs, as in http://127.0.0.1:10000/devstoreaccount1.
func (a *Azure) BlobEndpoint() string { return a.azurite.BlobEndpoint() }

// TableEndpoint returns the URL of the account's tables, as in http://127.0.0.1:10002/devstoreaccount1.
func (a *Azure) TableEndpoint() string { return a.azurite.TableEndpoint() }

// ServiceBusConnectionString returns the connection string of the namespace.
func (a *Azure) ServiceBusConnectionString() string { return a.broker.ConnectionString() }

// Close ends both and returns when nothing of them is left. It may be called more than once.
func (a *Azure) Close() error {
	return errors.Join(a.broker.Close(), a.azurite.Close())
}
