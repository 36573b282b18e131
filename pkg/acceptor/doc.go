// Package acceptor is the service that takes requests in: POST
// /api/{operation} is checked, put into the queue and answered with 202 and
// the URL of its status monitor.
//
// The one durable effect of accepting is the send, so a request is accepted
// if and only if its message is in the queue. Whatever hinders the send is
// answered with 503 and Retry-After; so is a send whose outcome is unknown,
// because a caller without a 202 was promised nothing. Only a payload too
// large for a message is written to the payload store before (claim check),
// streamed while it is read.
//
// GET /api lists the operations, GET /api/{operation} describes one.
package acceptor
