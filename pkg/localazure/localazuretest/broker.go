package localazuretest

import (
	"testing"

	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/localazure"
)

// Broker starts a Service Bus broker for one test, which is closed with the test. opts may be nil.
func Broker(tb testing.TB, opts *emulator.Options) *emulator.Broker {
	tb.Helper()
	broker, err := localazure.StartBroker(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := broker.Close(); err != nil {
			tb.Error(err)
		}
	})
	return broker
}
