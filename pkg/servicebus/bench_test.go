package servicebus_test

import (
	"testing"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/emulator"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/servicebus"
)

// BenchmarkSend measures messages of 1 KB sent by 64 callers at a time, the
// broker in the same process.
func BenchmarkSend(b *testing.B) {
	q := newQueue()
	q.MaxSizeInMegabytes = 81_920
	broker := localazuretest.Broker(b, &emulator.Options{Config: &emulator.Config{Queues: []emulator.Queue{q}}})
	settings := azure.ServiceBus{ConnectionString: broker.ConnectionString()}
	connect, err := settings.Connector(nil)
	if err != nil {
		b.Fatal(err)
	}
	s, err := servicebus.NewSender(connect, queue, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(b.Context())
	m := newMessage(string(make([]byte, 1024)))
	if err := s.Send(b.Context(), m); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32) // times GOMAXPROCS
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Send(b.Context(), m); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
