// Package emulator is a Service Bus broker in the process that imports it, for tests and for work without the cloud.
//
// It speaks AMQP 1.0 as Azure Service Bus does, so that the unmodified Azure SDKs of any language work with it, and has
// the management API of Microsoft's emulator. It needs nothing but Go's standard library and keeps everything in memory:
//
//	broker, err := emulator.Start(&emulator.Options{
//		Config: &emulator.Config{Queues: []emulator.Queue{{Name: "orders"}}},
//	})
//	if err != nil {
//		return err
//	}
//	defer broker.Close()
//	client, err := azservicebus.NewClientFromConnectionString(broker.ConnectionString(), nil)
//
// Queues behave as on Azure in what a program can see: order, peek-lock and its expiry, delivery counts, dead-lettering,
// time to live, duplicate detection, scheduled and deferred messages. Faults that are hard to have from the cloud, such as
// a connection that is dropped in the middle of a batch, can be made at will: see [Broker.Faults].
//
// Topics, sessions, forwarding and transactions are not supported.
package emulator
