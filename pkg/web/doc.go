// Package web is what the HTTP services have in common: an Echo instance with
// safe defaults, problem details, health probes and the life of a server.
//
// # Errors
//
// A handler returns an error, and [ErrorHandler] turns it into a [Problem]
// (RFC 9457) with a stable code member and an x-ms-error-code header. A
// handler that has more to say returns a *Problem itself. [Status] holds the
// one table from codes to HTTP statuses.
//
// # Every request
//
// gets an x-ms-request-id, a trace context (W3C Trace Context: the caller's or
// a fresh one, see [TraceParent]) and one line in the access log, which
// carries the job's RequestGUID where the handler told it by [SetRequestGUID].
// A panic becomes a 500 problem and a line with its stack.
//
// # Slow peers
//
// A body must keep coming at [Options.BodyRate] and an answer must keep being
// taken within [Options.WriteTimeout]; the deadlines are set per read and per
// write, so that uploads, downloads and event streams may take as long as
// they make progress. A handler need not set any deadline itself.
//
// # Stopping
//
// [Serve] first lets [Health] say not ready, then waits for
// [ServeOptions.DrainDelay] so that load balancers notice, then closes the
// listener and lets requests in flight finish.
package web
