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
// # Requests that are sent again
//
// A request with an Idempotency-Key reserves the key before it is sent. Every
// request of the same caller to the same operation with that key is one for
// the same job and has the same 202, whether it comes at the same time or a
// day later, and whatever became of the first one; with a different payload it
// is a 422. A request without a key pays nothing for this.
//
// # Overload
//
// Requests in flight, uploads, and what one caller may post are bounded;
// beyond that the answer is 503 or 429 with Retry-After, at once.
//
// # Resources
//
// GET /api lists the operations, GET /api/{operation} describes one.
package acceptor
