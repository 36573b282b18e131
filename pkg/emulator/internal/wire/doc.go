// Package wire speaks AMQP 1.0 as Azure Service Bus does, on behalf of the queues of a namespace.
//
// A connection has one goroutine that reads frames and handles them, one that writes what nobody else has the time to
// write, and one for each link on which the broker sends. All of a connection's state is guarded by its one mutex; the
// queue engine's locks are only ever taken inside it. Frames are appended to one buffer and written together.
//
// A peer that breaks the protocol loses its link, session or connection, with an error that says why, and nothing else
// suffers. What a peer can make the broker keep is bounded by the constants in limits.go.
package wire
