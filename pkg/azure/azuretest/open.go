package azuretest

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/pkg/azure"
)

// Clients opens a storage account until the test ends.
func Clients(tb testing.TB, connectionString string) *azure.Clients {
	tb.Helper()
	account := azure.Storage{ConnectionString: connectionString}
	clients, err := account.Open(nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(clients.Close)
	return clients
}

// Connector gives what connects to a Service Bus namespace.
func Connector(tb testing.TB, connectionString string) func() (*azservicebus.Client, error) {
	tb.Helper()
	bus := azure.ServiceBus{ConnectionString: connectionString}
	connect, err := bus.Connector(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return connect
}
