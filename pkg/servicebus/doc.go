// Package servicebus sends and receives job messages through an Azure Service
// Bus queue.
//
// A [Sender] and a [Receiver] each keep a connection of their own, made by the
// function they are given. The SDK mends a connection that was reset. One that
// has gone silent it does not notice; Sender and Receiver do, by a call that
// got no answer within its deadline while nothing else was heard either, and
// then make a new one. So both recover without a restart, within seconds of
// the end of a fault.
//
// A lock belongs to the message, not to the connection it came over: a
// delivery is settled and renewed over whatever connection there is.
package servicebus
